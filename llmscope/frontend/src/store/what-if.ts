/** What is switched off, and what the model says without any edit. */

import { type ReadonlySignal, batch, computed, effect, signal } from "@preact/signals";
import { type LogitsAnswer, type Trace, type TraceAnswer, traceOf } from "../protocol/answers";
import { type Edit, type Part, offEdit, sameEdit } from "../protocol/edits";
import { parseKey, underKey } from "../protocol/keys";
import type { Kind, TraceSide } from "../protocol/shared";
import type { Head } from "./attention/types";
import type { Core } from "./core";
import { nextOf } from "./next-token";
import type { NextToken } from "./state";

export class WhatIf {
  readonly edits: ReadonlySignal<readonly Edit[]>;
  /** What is shown of a text under edits. */
  readonly side: ReadonlySignal<TraceSide>;
  /** The distribution on screen as it is without edits; `null` while that isn't known. */
  readonly untouched = signal<NextToken | null>(null);
  /** The trace on screen less that without edits, where that is shown; `null` until both are there. */
  readonly difference: ReadonlySignal<Trace | null>;

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
  }

  start(): () => void {
    const ends = [effect(() => this.#followPair()), effect(() => this.#followUntouched())];
    return () => ends.forEach((end) => end());
  }

  /** Whether a head, or all of its layer's attention, is switched off. */
  isOff({ layer, head }: Head, kind: Kind): boolean {
    return this.edits.value.some(
      ({ do: done, part: [what, at, of, side], positions, edge }) =>
        done === "ablate" &&
        !positions &&
        !edge &&
        at === layer &&
        side === kind &&
        (what === "head" ? of === head : what !== "mlp"),
    );
  }

  toggleHead({ layer, head }: Head, kind: Kind): void {
    this.#toggle(["head", layer, head, kind]);
  }

  toggleLayer(layer: number, kind: Kind): void {
    this.#toggle(["attention", layer, null, kind]);
  }

  remove(edit: Edit): void {
    this.#turnTo(this.edits.peek().filter((other) => other !== edit));
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

  #toggle(part: Part): void {
    if (!this.canEdit || this.core.isGone.peek()) return;
    const edit = offEdit(part);
    const edits = this.edits.peek();
    const others = edits.filter((other) => !sameEdit(other, edit));
    const wanted = others.length < edits.length ? others : [...edits, edit];
    this.#turnTo(wanted);
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
