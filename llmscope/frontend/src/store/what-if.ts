/** What is switched off or taken from another text, and what the model says without any edit. */

import { type ReadonlySignal, computed, effect, signal } from "@preact/signals";
import { type TraceAnswer, traceOf } from "../protocol/answers";
import { type Edit, type Part, isWhole, offEdit, sameEdit } from "../protocol/edits";
import { parseKey, underKey } from "../protocol/keys";
import type { LogitsAnswer } from "../protocol/answers";
import type { Kind } from "../protocol/shared";
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
  /** The distribution on screen as it is without edits; `null` while that isn't known. */
  readonly untouched = signal<NextToken | null>(null);
  /** A second text: while there is one, parts are taken from it instead of being switched off. */
  readonly source: SourceText;
  readonly patching: Patching;
  readonly steering = new Steering();
  readonly amounts: Amounts;

  #asked: AbortController | null = null;

  /** `canEdit` is false where a text is generated: that was generated under edits already. */
  constructor(
    private readonly core: Core,
    private readonly plainKey: ReadonlySignal<string>,
    readonly canEdit: boolean,
  ) {
    this.edits = computed(() => core.state.edits.value ?? []);
    this.source = new SourceText(core);
    const isBehind = computed(
      () => core.trace.value?.input !== underKey(this.edits.value, plainKey.value),
    );
    this.amounts = new Amounts(this.edits, isBehind, (edits) => this.#turnTo(edits));
    this.patching = new Patching(core, this, plainKey);
  }

  start(): () => void {
    const ends = [
      effect(() => this.#followUntouched()),
      this.source.start(),
      this.patching.start(),
      this.amounts.start(),
    ];
    return () => {
      ends.forEach((end) => end());
      this.#asked?.abort();
    };
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
