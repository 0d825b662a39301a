/** A second text, which parts are taken from: as it is typed, and whether it has as many tokens. */

import { type ReadonlySignal, batch, computed, effect, signal } from "@preact/signals";
import type { Trace, TraceAnswer } from "../protocol/answers";
import type { Edit, Part } from "../protocol/edits";
import { type TextInput, formatKey } from "../protocol/keys";
import type { Core } from "./core";

const PAUSE = 250; // ms without a key, after which what is typed is counted

/** Tokens of the text and, of a decoder, of its own. */
type Count = readonly [tokens: number, target: number];

const countOf = ({ tokens, target }: Trace | TraceAnswer): Count => [tokens.length, target.length];

/** What is read beside the text on screen: that, with other words. */
export const inputOf = (text: string, { pair, written, masked }: Trace): TextInput => ({
  text,
  pair,
  target: written,
  masked,
});

/** A part that is taken from another text: everywhere, or at one position. */
export const patchEdit = (
  part: Part,
  { text, pair, target, masked }: TextInput,
  at?: number,
): Edit => ({
  do: "patch",
  part,
  source: [text, pair, target, masked, []],
  ...(at !== undefined && { positions: [[at, at]] }),
});

export class SourceText {
  /** The text as the trait has it; empty without one. */
  readonly text: ReadonlySignal<string>;
  /** As it is typed; `null` while nobody does. */
  readonly draft = signal<string | null>(null);
  /** Tokens here and in the source, typed or given; `null` while they aren't known. */
  readonly counts: ReadonlySignal<{ here: number; there: number } | null>;
  /** Whether these differ: nothing can be taken from there. */
  readonly isUneven: ReadonlySignal<boolean>;
  /** Why it can't be read, in words. */
  readonly refused = signal<string | null>(null);

  readonly #counted = signal<{ key: string; count: Count } | null>(null);
  /** Whether what is typed is to be taken as soon as it is known to fit. */
  readonly #isWanted = signal(false);

  constructor(private readonly core: Core) {
    this.text = computed(() => core.state.patchFrom.value ?? "");
    this.counts = computed(() => {
      const counted = this.#counted.value;
      const trace = core.trace.value;
      if (!counted || !trace) return null;
      const [here, there] = [countOf(trace), counted.count];
      const side = here[0] === there[0] ? 1 : 0;
      const shown = here[1] === there[1] ? 0 : side;
      return { here: here[shown], there: there[shown] };
    });
    this.isUneven = computed(() => {
      const { here, there } = this.counts.value ?? {};
      return here !== there;
    });
  }

  start(): () => void {
    const ends = [effect(() => this.#count()), effect(() => this.#takeOver())];
    return () => ends.forEach((end) => end());
  }

  /** Begins to type: at first it is the text itself, of which a few words are to be others. */
  open(): void {
    this.draft.value ??= this.text.peek() || (this.core.trace.peek()?.text ?? "");
  }

  type(text: string): void {
    this.#isWanted.value = false;
    this.draft.value = text;
  }

  /** Takes what is typed, once it is known to have as many tokens. */
  take(): void {
    if (this.draft.peek() === null) return;
    if (this.draft.peek() === "") this.remove();
    else this.#isWanted.value = true;
  }

  /** Leaves what is typed: the text before stays. */
  leave(): void {
    this.#isWanted.value = false;
    this.draft.value = null;
  }

  remove(): void {
    this.leave();
    this.core.state.patchFrom.value = "";
  }

  #count(): (() => void) | void {
    const { core } = this;
    const draft = this.draft.value;
    const text = draft ?? this.text.value;
    const trace = core.trace.value;
    if (!text || !trace || !core.isSeen.value) {
      this.#counted.value = this.refused.value = null;
      return;
    }
    const request = { type: "text", ...inputOf(text, trace) } as const;
    const key = formatKey(request);
    if (this.#counted.peek()?.key === key) return;
    const lacking = core.lacks(request);
    batch(() => {
      this.#counted.value = null;
      // A page holds what was taken from a text that it doesn't hold.
      this.refused.value = draft === null ? null : lacking;
    });
    if (lacking) return;
    const over = new AbortController();
    const { signal } = over;
    const ask = () =>
      core
        .ask<TraceAnswer>(request, { signal })
        .then((answer) => (this.#counted.value = { key, count: countOf(answer) }))
        .catch((error: unknown) => {
          if (!signal.aborted) this.refused.value = (error as Error).message;
        });
    const timer = setTimeout(() => void ask(), draft === null ? 0 : PAUSE);
    return () => {
      clearTimeout(timer);
      over.abort();
    };
  }

  #takeOver(): void {
    const draft = this.draft.value;
    if (!this.#isWanted.value || draft === null) return;
    if (this.refused.value || (this.counts.value && this.isUneven.value)) {
      this.#isWanted.value = false;
    } else if (this.counts.value) {
      batch(() => {
        this.core.state.patchFrom.value = draft;
        this.leave();
      });
    }
  }
}
