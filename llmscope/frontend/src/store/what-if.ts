/** What is switched off or taken from another text, and what the model says without any edit. */

import { type ReadonlySignal, batch, computed, effect, signal } from "@preact/signals";
import { type LogitsAnswer, type Trace, type TraceAnswer, traceOf } from "../protocol/answers";
import { type Edit, type Part, isWhole, offEdit, sameEdit } from "../protocol/edits";
import { parseKey, underKey } from "../protocol/keys";
import type { Kind, TraceSide } from "../protocol/shared";
import { edits as words } from "#words/edits";
import { fill } from "../words/fill";
import type { Head } from "./attention/types";
import type { Core } from "./core";
import { nextOf } from "./next-token";
import { Amounts } from "./amounts";
import { Patching } from "./patching";
import { Steering } from "./steering";
import { SourceText, inputOf, patchEdit } from "./source-text";
import type { NextToken } from "./state";

export class WhatIf {
  readonly edits: ReadonlySignal<readonly Edit[]>;
  /** What is shown of a text under edits. */
  readonly side: ReadonlySignal<TraceSide>;
  /** The distribution on screen as it is without edits; `null` while that isn't known. */
  readonly untouched = signal<NextToken | null>(null);
  /** The trace on screen less that without edits, where that is shown; `null` until both are there. */
  readonly difference: ReadonlySignal<Trace | null>;
  /** A second text: while there is one, parts are taken from it instead of being switched off. */
  readonly source: SourceText;
  readonly patching: Patching;
  readonly steering = new Steering();
  readonly amounts: Amounts;

  /** The trace on screen, and that of the same text without edits. */
  readonly #pair = signal<{ edited: Trace; plain: Trace } | null>(null);
  readonly #known: ReadonlySignal<{ edited: Trace; plain: Trace } | null>;

  /** `canEdit` is false where a text is generated: that was generated under edits already. */
  constructor(
    private readonly core: Core,
    private readonly plainKey: ReadonlySignal<string>,
    readonly canEdit: boolean,
  ) {
    const { state, trace } = core;
    this.edits = computed(() => state.edits.value ?? []);
    this.side = computed(() =>
      canEdit && this.edits.value.length > 0 ? (state.side.value ?? "edited") : "edited",
    );
    this.#known = computed(() =>
      this.#pair.value?.edited === trace.value ? this.#pair.value : null,
    );
    this.difference = computed(() => {
      const known = this.#known.value;
      if (this.side.value !== "difference" || !known) return null;
      return { ...known.edited, name: [known.edited.name, known.plain.name] as [string, string] };
    });
    this.source = new SourceText(core);
    const isBehind = computed(() => {
      const shown = this.side.value === "untouched" ? [] : this.edits.value;
      return trace.value?.input !== underKey(shown, plainKey.value);
    });
    this.amounts = new Amounts(this.edits, isBehind, (edits) => this.#turnTo(edits));
    this.patching = new Patching(core, this, plainKey);
  }

  start(): () => void {
    const ends = [
      effect(() => this.#followPair()),
      effect(() => this.#followUntouched()),
      this.source.start(),
      this.patching.start(),
      this.amounts.start(),
    ];
    return () => ends.forEach((end) => end());
  }

  /** Whether a head, or all of its layer's attention, is switched off. */
  isOff(head: Head, kind: Kind): boolean {
    return this.edits.value.some((edit) => edit.do === "ablate" && isOfHead(edit, head, kind));
  }

  /** Whether a head, or all of its layer's attention, is taken from another text. */
  isPatched(head: Head, kind: Kind): boolean {
    return this.edits.value.some((edit) => edit.do === "patch" && isOfHead(edit, head, kind));
  }

  /** Whether a part is changed as `toggle` would change it: it is then taken back. */
  has(part: Part, at?: number): boolean {
    const edit = this.#editOf(part, at);
    return this.edits.value.some((other) => sameEdit(other, edit));
  }

  toggleHead({ layer, head }: Head, kind: Kind): void {
    this.toggle(["head", layer, head, kind]);
  }

  toggleLayer(layer: number, kind: Kind): void {
    this.toggle(["attention", layer, null, kind]);
  }

  remove(edit: Edit): void {
    this.#turnTo(this.edits.peek().filter((other) => other !== edit));
  }

  add(edit: Edit): void {
    if (this.canEdit && !this.core.isGone.peek()) this.#turnTo([...this.edits.peek(), edit]);
  }

  /** Opens the line that a second text, or steering, is typed into; the other one is left. */
  ask(what: "source" | "steering"): void {
    if (!this.canEdit) return;
    this[what === "source" ? "steering" : "source"].leave();
    this[what].open();
  }

  clear(): void {
    this.#turnTo([]);
  }

  /** Shows the text under edits, without them, or the difference; false without edits. */
  turn(side: TraceSide): boolean {
    if (this.edits.peek().length === 0 || !this.canEdit) return false;
    const isThere = side === "difference" && this.#known.peek() !== null;
    const edits = side === "edited" ? this.edits.peek() : [];
    const isOnScreen = side !== "untouched" && this.side.peek() !== "untouched";
    const lacking = isThere || (isOnScreen && side === "edited") ? null : this.#lacks(edits);
    if (lacking) this.core.report(new Error(lacking));
    else this.core.state.side.value = side;
    return true;
  }

  /** Switches a part off, or on again; or takes it from the second text, or back. */
  toggle(part: Part, at?: number): void {
    if (!this.canEdit || this.core.isGone.peek()) return;
    const { source } = this;
    const { here, there } = source.counts.peek() ?? {};
    if (source.text.peek() && here !== there)
      return this.core.report(new Error(fill(words.uneven, { here: here!, there: there! })));
    const edit = this.#editOf(part, at);
    const edits = this.edits.peek();
    const isThere = edits.some((other) => sameEdit(other, edit));
    // What else took the place of the whole part makes room.
    const others = edits.filter(
      (other) => !sameEdit(other, edit) && !(isWhole(other) && isWhole(edit) && isOf(other, part)),
    );
    this.#turnTo(isThere ? others : [...others, edit]);
  }

  #editOf(part: Part, at?: number): Edit {
    const text = this.source.text.value;
    const trace = this.core.trace.value;
    return text && trace ? patchEdit(part, inputOf(text, trace), at) : offEdit(part);
  }

  /** Reads the text under other edits, unless nobody answers for them. */
  #turnTo(wanted: readonly Edit[]): void {
    const { core } = this;
    const lacking = this.#lacks(wanted);
    if (lacking) return core.report(new Error(lacking));
    batch(() => {
      core.state.edits.value = wanted;
      // What is changed is to be seen.
      if (core.state.side.peek() === "untouched") core.state.side.value = "edited";
    });
  }

  #lacks(edits: readonly Edit[]): string | null {
    const request = parseKey(underKey(edits, this.plainKey.peek()));
    return request && this.core.lacks(request);
  }

  /** Asks for the text without edits, where anything is shown of it beside the text under them. */
  #followPair(): (() => void) | void {
    const { core } = this;
    const edited = core.trace.value;
    const side = this.side.value;
    const isWanted = side === "difference" || (side === "edited" && core.next.value !== null);
    const isOn = this.edits.value.length > 0 && this.canEdit && core.isSeen.value;
    const key = this.plainKey.value;
    const request = parseKey(key);
    if (!isOn || !isWanted || !edited || edited.input === key || !request) return;
    if (this.#known.peek() || core.lacks(request)) return;
    const asked = new AbortController();
    core
      .ask<TraceAnswer>(request, asked)
      .then((answer) => {
        if (!asked.signal.aborted) this.#pair.value = { edited, plain: traceOf(answer, key) };
      })
      .catch((error: unknown) => !asked.signal.aborted && core.report(error));
    return () => asked.abort();
  }

  #followUntouched(): (() => void) | void {
    const { core, untouched } = this;
    const next = core.next.value;
    const known = this.#known.value;
    const isOn = this.edits.value.length > 0 && core.isSeen.value;
    const logits = known &&
      next && {
        type: "logits" as const,
        trace: known.plain.name,
        position: next.position,
      };
    if (!isOn || !logits || core.lacks(logits)) {
      untouched.value = null;
      return;
    }
    const asked = new AbortController();
    core
      .ask<LogitsAnswer>(logits, asked)
      .then((answer) => {
        if (!asked.signal.aborted) untouched.value = nextOf(answer, known.plain, next.position);
      })
      .catch((error: unknown) => !asked.signal.aborted && core.report(error));
    return () => asked.abort();
  }
}

const isOf = ({ part }: Edit, other: Part): boolean => part.every((of, at) => of === other[at]);

/** Whether an edit takes the place of a head, or of all of its layer's attention. */
function isOfHead(edit: Edit, { layer, head }: Head, kind: Kind): boolean {
  const [what, at, of, side] = edit.part;
  if (!isWhole(edit) || at !== layer || side !== kind) return false;
  // A layer that is patched is the stream behind it.
  return what === "head"
    ? of === head
    : what === "attention" || (what === "layer" && edit.do === "ablate");
}
