/** What is switched off, and what the model says without any edit. */

import { type ReadonlySignal, computed, effect, signal } from "@preact/signals";
import { type TraceAnswer, traceOf } from "../protocol/answers";
import { type Edit, type Part, offEdit, sameEdit } from "../protocol/edits";
import { parseKey, underKey } from "../protocol/keys";
import type { LogitsAnswer } from "../protocol/answers";
import type { Kind } from "../protocol/shared";
import type { Head } from "./attention/types";
import type { Core } from "./core";
import { nextOf } from "./next-token";
import type { NextToken } from "./state";

export class WhatIf {
  readonly edits: ReadonlySignal<readonly Edit[]>;
  /** The distribution on screen as it is without edits; `null` while that isn't known. */
  readonly untouched = signal<NextToken | null>(null);

  #asked: AbortController | null = null;

  /** `canEdit` is false where a text is generated: that was generated under edits already. */
  constructor(
    private readonly core: Core,
    private readonly plainKey: ReadonlySignal<string>,
    readonly canEdit: boolean,
  ) {
    this.edits = computed(() => core.state.edits.value ?? []);
  }

  start(): () => void {
    const end = effect(() => this.#followUntouched());
    return () => {
      end();
      this.#asked?.abort();
    };
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
    const request = parseKey(underKey(wanted, this.plainKey.peek()));
    const lacking = request && this.core.lacks(request);
    if (lacking) this.core.report(new Error(lacking));
    else this.core.state.edits.value = wanted;
  }

  #followUntouched(): void {
    const { core, untouched } = this;
    const next = core.next.value;
    const isOn = this.edits.value.length > 0 && core.isSeen.value && this.canEdit;
    const request = parseKey(this.plainKey.value);
    this.#asked?.abort();
    if (!isOn || !next || !request || core.lacks(request)) {
      untouched.value = null;
      return;
    }
    const { signal } = (this.#asked = new AbortController());
    core
      .ask<TraceAnswer>(request, { signal })
      .then(async (answer) => {
        const trace = traceOf(answer, this.plainKey.peek());
        const { position } = next;
        const logits = { type: "logits", trace: trace.name, position } as const;
        if (core.lacks(logits)) return;
        const found = nextOf(await core.ask<LogitsAnswer>(logits, { signal }), trace, position);
        if (!signal.aborted) untouched.value = found;
      })
      .catch((error: unknown) => !signal.aborted && core.report(error));
  }
}
