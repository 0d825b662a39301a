/** The grid of patching: how far each layer, at each position, takes this text to a second one. */

import { type ReadonlySignal, batch, computed, effect, signal } from "@preact/signals";
import { type PatchingAnswer, type Trace, type TraceAnswer, traceOf } from "../protocol/answers";
import { type Request, formatKey, parseKey, underKey } from "../protocol/keys";
import type { Edit, Part } from "../protocol/edits";
import { edits as words } from "#words/edits";
import { fill } from "../words/fill";
import type { Core } from "./core";
import { placeOf } from "./next-token";
import { type SourceText, inputOf } from "./source-text";

/** What can be patched, and is. */
interface Edited {
  source: SourceText;
  edits: ReadonlySignal<readonly Edit[]>;
  has(part: Part, at: number): boolean;
  toggle(part: Part, at: number): void;
}

export type PatchingCell = readonly [layer: number, position: number];

interface Shown extends PatchingAnswer {
  /** Labels of the text that is patched. */
  own: string[];
  layers: number;
  positions: number;
  /** Layers whose effects are known. */
  known: number;
}

export class Patching {
  readonly shown = signal<Shown | null>(null);
  /** Why there is none, in words. */
  readonly refused = signal<string | null>(null);
  /** Whether a person ended it before it was whole. */
  readonly isStopped: ReadonlySignal<boolean>;
  readonly isRunning = signal(false);
  /** Whether what is shown is of a text, or a token, before. */
  readonly isOld: ReadonlySignal<boolean>;
  readonly hovered = signal<PatchingCell | null>(null);
  /** The cell in focus: at first the last position of the last layer. */
  readonly focus: ReadonlySignal<PatchingCell>;

  readonly #picked = signal<PatchingCell | null>(null);
  /** The text without what is patched into it: what a grid is of. */
  readonly #base = signal<Trace | null>(null);
  readonly #baseKey: ReadonlySignal<string | null>;
  /** What is asked for; the same as long as nothing of it changes. */
  readonly #key: ReadonlySignal<string | null>;
  /** What was asked for when it was ended. */
  readonly #stopped = signal<string | null>(null);
  /** What was asked for by the one that is shown. */
  readonly #shownKey = signal<string | null>(null);

  constructor(
    private readonly core: Core,
    private readonly whatIf: Edited,
    plainKey: ReadonlySignal<string>,
  ) {
    const { source } = whatIf;
    const isOn = computed(
      () => core.state.panels.value.includes("patching") && source.text.value !== "",
    );
    this.#baseKey = computed(() => {
      const trace = core.trace.value;
      if (!isOn.value || !trace || !core.isSeen.value) return null;
      const { text, pair, target, masked } = inputOf(source.text.value, trace);
      const parts = JSON.stringify([text, pair, target, masked, []]);
      const own = whatIf.edits.value.filter((edit) => JSON.stringify(edit.source) !== parts);
      return underKey(own, plainKey.value);
    });
    this.#key = computed(() => {
      const base = this.#base.value;
      if (!base || base.input !== this.#baseKey.value) return null;
      const [on = null, foil = null] = core.state.effectOf.value ?? [];
      return formatKey({
        type: "patching",
        trace: base.name,
        on,
        foil,
        position: placeOf(base, core.focus.value),
        source: formatKey({ type: "text", ...inputOf(source.text.value, base) }),
      });
    });
    this.isStopped = computed(
      () => this.#key.value !== null && this.#stopped.value === this.#key.value,
    );
    this.isOld = computed(() => this.#shownKey.value !== this.#key.value);
    this.focus = computed(() => {
      const { layers = 1, positions = 1 } = this.shown.value ?? {};
      const [layer, position] = this.#picked.value ?? [layers, positions];
      return [Math.min(layer, layers - 1), Math.min(position, positions - 1)];
    });
  }

  start(): () => void {
    const ends = [effect(() => this.#findBase()), effect(() => this.#follow())];
    return () => ends.forEach((end) => end());
  }

  /** How far a cell takes the text to the second one: 0 is as here, 1 as there. */
  share([layer, position]: PatchingCell): number | undefined {
    const { differ, here, there } = this.shown.value ?? {};
    const effect = this.#effect([layer, position]);
    return differ && effect !== undefined ? effect / (here! - there!) : undefined;
  }

  /** The logit difference once a cell is patched. */
  patched(cell: PatchingCell): number | undefined {
    const effect = this.#effect(cell);
    return effect === undefined ? undefined : this.shown.value!.here - effect;
  }

  isPatched([layer, position]: PatchingCell): boolean {
    return this.whatIf.has(partOf(layer), position);
  }

  pick(cell: PatchingCell): void {
    this.#picked.value = cell;
  }

  /** Patches a cell in all panels, or no longer. */
  toggle([layer, position]: PatchingCell): void {
    this.whatIf.toggle(partOf(layer), position);
  }

  stop(): void {
    this.#stopped.value = this.#key.peek();
  }

  goOn(): void {
    this.#stopped.value = null;
  }

  #effect([layer, position]: PatchingCell): number | undefined {
    const shown = this.shown.value;
    const found = shown?.values.data[layer * shown.positions + position];
    return found === undefined || Number.isNaN(found) ? undefined : found;
  }

  #findBase(): (() => void) | void {
    const { core } = this;
    const key = this.#baseKey.value;
    const trace = core.trace.value;
    if (key === null || this.#base.peek()?.input === key) return;
    if (trace?.input === key) {
      this.#base.value = trace;
      return;
    }
    const request = parseKey(key);
    if (!request || core.lacks(request)) return;
    const over = new AbortController();
    core
      .ask<TraceAnswer>(request, { signal: over.signal })
      .then((answer) => (this.#base.value = traceOf(answer, key)))
      .catch((error: unknown) => !over.signal.aborted && this.#refuse(error));
    return () => over.abort();
  }

  #follow(): (() => void) | void {
    const { core } = this;
    const key = this.#key.value;
    const { source } = this.whatIf;
    if (!source.text.value) this.shown.value = this.refused.value = null;
    if (key === null || this.isStopped.value) return;
    const request = parseKey(key) as Request;
    const { here, there } = source.draft.value === null ? (source.counts.value ?? {}) : {};
    const isUneven = here !== there;
    const lacking = isUneven
      ? fill(words.uneven, { here: here!, there: there! })
      : core.lacks(request);
    if (lacking) return this.#refuse(new Error(lacking));
    this.refused.value = null;
    const over = new AbortController();
    const base = this.#base.peek()!;
    const own = (base.target.length > 0 ? base.target : base.tokens).map(({ label }) => label);
    const take = (answer: PatchingAnswer) => {
      const [layers = 0, positions = 0] = answer.values.shape;
      const isKnown = (layer: number) => !Number.isNaN(answer.values.data[layer * positions]!);
      const known = Array.from({ length: layers }, (_, layer) => layer).filter(isKnown).length;
      batch(() => {
        this.shown.value = { ...answer, own, layers, positions, known };
        this.#shownKey.value = key;
      });
    };
    this.isRunning.value = true;
    core
      .ask<PatchingAnswer>(request, {
        signal: over.signal,
        onPart: (part) => !over.signal.aborted && take(part as unknown as PatchingAnswer),
      })
      .then(take)
      .catch((error: unknown) => !over.signal.aborted && this.#refuse(error))
      .finally(() => !over.signal.aborted && (this.isRunning.value = false));
    return () => {
      over.abort();
      this.isRunning.value = false;
    };
  }

  #refuse(error: unknown): void {
    batch(() => {
      this.shown.value = null;
      this.refused.value = error instanceof Error ? error.message : String(error);
    });
  }
}

const partOf = (layer: number): Part => ["layer", layer, null, "self"];
