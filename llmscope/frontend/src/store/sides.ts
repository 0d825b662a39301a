/** Two traces that are held against each other: which of them is shown, or the one less the other. */

import { type ReadonlySignal, computed, effect, signal } from "@preact/signals";
import { type LogitsAnswer, type Trace, type TraceAnswer, traceOf } from "../protocol/answers";
import { parseKey } from "../protocol/keys";
import type { Core } from "./core";
import type { Distances } from "./distances";
import { nextOf } from "./next-token";
import type { NextToken } from "./state";

/** What panels ask of two traces, whichever they are. */
export interface Sides {
  /** A text without its edits, two texts, or two steps of a training. */
  readonly of: "edits" | "texts" | "steps";
  /** Whether the one less the other is shown. */
  readonly isDifference: ReadonlySignal<boolean>;
  /** Whether heads are coloured by how far they are apart, not by what they look at. */
  readonly comparesHeads: ReadonlySignal<boolean>;
  /** The first less the second, with the tokens of that, where it is shown and both are there. */
  readonly difference: ReadonlySignal<Trace | null>;
  /** The two that are there; how far heads are apart, of them or of two before them. */
  readonly pair: ReadonlySignal<unknown>;
  readonly distances: ReadonlySignal<Distances | null>;
  /** Why heads have no difference, in words. */
  readonly why: ReadonlySignal<string | null>;
  /** The distribution of the one that isn't on screen; `null` while that isn't known. */
  readonly beside: ReadonlySignal<Beside | null>;
  /** Whether both know the same tokens. */
  readonly sharesVocabulary: ReadonlySignal<boolean>;
  /** Which token of the difference is one of the text on screen, or the nearest to it; and back. */
  rowOf(position: number): number;
  positionOf(row: number): number;
  /** Turns to the difference, or to the second text, and back; false where there is only one. */
  flip(to: "difference" | "second"): boolean;
}

/** A distribution of the other text, and that on screen which it is held against. */
export interface Beside extends NextToken {
  against: { trace: Trace; position: number };
}

interface Pair {
  shown: Trace;
  other: Trace;
}

/** The distribution beside one on screen, once it is of the same place. */
export function besideOf({ beside }: Pick<Sides, "beside">, next: NextToken): Beside | null {
  const found = beside.value;
  const { trace, position } = found?.against ?? {};
  return found && trace === next.trace && position === next.position ? found : null;
}

/** Reads another text beside the one on screen, and what it says of the next token. */
export class Counterpart {
  readonly pair: ReadonlySignal<Pair | null>;
  readonly next = signal<Beside | null>(null);

  readonly #pair = signal<Pair | null>(null);

  constructor(
    private readonly core: Core,
    /** The key of the other text; `null` where none is wanted. */
    private readonly key: ReadonlySignal<string | null>,
    /** Whether its distribution is wanted. */
    private readonly wantsNext: ReadonlySignal<boolean>,
    /** The position in the other text of one on screen; `null` where it has none. */
    private readonly across: (position: number, pair: Pair) => number | null,
  ) {
    this.pair = computed(() => {
      const pair = this.#pair.value;
      const isOwn = pair?.shown === core.trace.value && pair?.other.input === key.value;
      return isOwn ? pair : null;
    });
  }

  start(): () => void {
    const ends = [effect(() => this.#followPair()), effect(() => this.#followNext())];
    return () => ends.forEach((end) => end());
  }

  #followPair(): (() => void) | void {
    const { core } = this;
    const shown = core.trace.value;
    const key = this.key.value;
    const request = key === null ? null : parseKey(key);
    if (key === null || !request || !shown || !core.isSeen.value || core.lacks(request)) return;
    const before = this.#pair.peek();
    if (before?.other.input === key) {
      // It stays what it is while the text on screen becomes another.
      if (before.shown !== shown) this.#pair.value = { shown, other: before.other };
      return;
    }
    const asked = new AbortController();
    core
      .ask<TraceAnswer>(request, asked)
      .then((answer) => {
        if (!asked.signal.aborted) this.#pair.value = { shown, other: traceOf(answer, key) };
      })
      .catch((error: unknown) => !asked.signal.aborted && core.report(error));
    return () => asked.abort();
  }

  #followNext(): (() => void) | void {
    const { core } = this;
    const next = core.next.value;
    const pair = this.pair.value;
    if (!this.wantsNext.value || this.key.value === null || !core.isSeen.value) {
      this.next.value = null;
      return;
    }
    if (!next || !pair || next.trace !== pair.shown) return;
    const position = this.across(next.position, pair);
    const request =
      position === null ? null : ({ type: "logits", trace: pair.other.name, position } as const);
    if (!request || core.lacks(request)) {
      this.next.value = null;
      return;
    }
    const against = { trace: pair.shown, position: next.position };
    const take = (found: NextToken) => (this.next.value = { ...found, against });
    const known = this.next.peek();
    if (known?.trace === pair.other && known.position === position) {
      const { trace, position: at } = known.against;
      if (trace !== against.trace || at !== against.position) take(known);
      return;
    }
    const asked = new AbortController();
    core
      .ask<LogitsAnswer>(request, asked)
      .then((answer) => {
        if (!asked.signal.aborted) take(nextOf(answer, pair.other, position!));
      })
      .catch((error: unknown) => !asked.signal.aborted && core.report(error));
    return () => asked.abort();
  }
}
