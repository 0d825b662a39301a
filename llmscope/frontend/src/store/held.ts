/** A step of a training that is held beside the one on screen. */

import { type ReadonlySignal, computed, effect, signal } from "@preact/signals";
import type { DistancesAnswer, Trace } from "../protocol/answers";
import { type Request, formatKey } from "../protocol/keys";
import type { Kind } from "../protocol/shared";
import { compare as words } from "#words/compare";
import { ask } from "./ask";
import type { Core } from "./core";
import { type Distances, haveSameHeads } from "./distances";
import { type Beside, Counterpart, type Sides } from "./sides";
import type { TrainingStore } from "./training";

export class HeldStep implements Sides {
  readonly of = "steps";
  readonly isDifference: ReadonlySignal<boolean>;
  readonly comparesHeads: ReadonlySignal<boolean>;
  readonly difference: ReadonlySignal<Trace | null>;
  readonly pair: ReadonlySignal<unknown>;
  readonly distances = signal<Distances | null>(null);
  readonly beside: ReadonlySignal<Beside | null>;
  readonly why: ReadonlySignal<string | null>;
  readonly sharesVocabulary = signal(true);

  readonly #other: Counterpart;

  constructor(
    private readonly core: Core,
    private readonly training: TrainingStore,
    private readonly kind: () => Kind,
  ) {
    const held = computed((): Request | null =>
      training.held.value ? { type: "step_input", ...training.held.value } : null,
    );
    const other = computed(() =>
      held.value && training.side.value === "untouched"
        ? training.chosen.value
        : held.value && formatKey(held.value),
    );
    const wantsNext = computed(
      () => core.next.value !== null && core.state.panels.value.includes("next-token"),
    );
    this.#other = new Counterpart(core, other, wantsNext, (position) => position);
    this.beside = this.#other.next;
    this.isDifference = this.comparesHeads = computed(() => training.side.value === "difference");
    this.pair = this.#other.pair;
    this.difference = computed(() => {
      const pair = this.#other.pair.value;
      if (!this.isDifference.value || !pair) return null;
      return { ...pair.shown, name: [pair.shown.name, pair.other.name] as [string, string] };
    });
    this.why = computed(() => {
      const pair = this.#other.pair.value;
      if (pair && !haveSameHeads(pair.shown, pair.other, this.kind())) return words.unlike;
      if (pair && this.isDifference.value) return core.lacks(this.#request(pair));
      return held.value && core.lacks(held.value);
    });
  }

  start(): () => void {
    const ends = [this.#other.start(), effect(() => this.#followDistances())];
    return () => ends.forEach((end) => end());
  }

  rowOf(position: number): number {
    return position;
  }

  positionOf(row: number): number {
    return row;
  }

  flip(to: "difference" | "second"): boolean {
    const wanted = to === "second" ? "untouched" : to;
    if (!this.training.held.peek()) return false;
    this.core.state.side.value = this.training.side.peek() === wanted ? "edited" : wanted;
    return true;
  }

  #request({ shown, other }: { shown: Trace; other: Trace }) {
    const trace = [shown.name, other.name] as [string, string];
    return { type: "distances", trace, kind: this.kind() } as const;
  }

  #followDistances(): (() => void) | void {
    const { core } = this;
    const of = this.#other.pair.value;
    const isShown = core.state.panels.value.includes("overview") && this.isDifference.value;
    if (!of || !isShown || !core.isSeen.value || this.why.value) return;
    const kind = this.kind();
    const known = this.distances.peek();
    if (known?.of === of && known.kind === kind) return;
    return ask(
      core,
      (signal) => core.ask<DistancesAnswer>(this.#request(of), { signal }),
      ({ distances }) => (this.distances.value = { distances, of, kind }),
    );
  }
}
