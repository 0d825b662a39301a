/** What is switched off or taken from another text, and what the model says without any edit. */

import { type ReadonlySignal, batch, computed, signal } from "@preact/signals";
import type { Trace } from "../protocol/answers";
import { type Edit, type Part, isWhole, offEdit, sameEdit } from "../protocol/edits";
import { parseKey, underKey } from "../protocol/keys";
import type { Kind, TraceSide } from "../protocol/shared";
import { edits as words } from "#words/edits";
import { fill } from "../words/fill";
import type { Head } from "./attention/types";
import type { Core } from "./core";
import { Amounts } from "./amounts";
import { Patching } from "./patching";
import { Steering } from "./steering";
import { SourceText, inputOf, patchEdit } from "./source-text";
import { type Beside, Counterpart, type Sides } from "./sides";

export class WhatIf implements Sides {
  readonly of = "edits";
  readonly edits: ReadonlySignal<readonly Edit[]>;
  /** What is shown of a text under edits. */
  readonly side: ReadonlySignal<TraceSide>;
  readonly isDifference: ReadonlySignal<boolean>;
  readonly comparesHeads = signal(false);
  /** The distribution on screen as it is without edits. */
  readonly beside: ReadonlySignal<Beside | null>;
  /** The trace on screen less that without edits. */
  readonly difference: ReadonlySignal<Trace | null>;
  readonly pair = signal(null);
  readonly distances = signal(null);
  readonly why = signal(null);
  readonly sharesVocabulary = signal(true);
  /** A second text: while there is one, parts are taken from it instead of being switched off. */
  readonly source: SourceText;
  readonly patching: Patching;
  readonly steering = new Steering();
  readonly amounts: Amounts;

  readonly #plain: Counterpart;

  /** `canEdit` is false where a text is generated: that was generated under edits already. */
  constructor(
    private readonly core: Core,
    private readonly plainKey: ReadonlySignal<string>,
    readonly canEdit: boolean,
  ) {
    const { state, trace } = core;
    this.edits = computed(
      () => (state.side.value === "b" ? state.otherEdits : state.edits).value ?? [],
    );
    this.side = computed(() =>
      canEdit && this.edits.value.length > 0
        ? ((state.side.value ?? "edited") as TraceSide)
        : "edited",
    );
    const isOn = computed(() => this.edits.value.length > 0 && canEdit);
    const plain = computed(() => {
      const side = this.side.value;
      const isWanted = side === "difference" || (side === "edited" && core.next.value !== null);
      const isOther = trace.value?.input !== plainKey.value;
      return isOn.value && isWanted && isOther ? plainKey.value : null;
    });
    this.#plain = new Counterpart(core, plain, isOn, (position) => position);
    this.beside = this.#plain.next;
    this.isDifference = computed(() => this.side.value === "difference");
    this.difference = computed(() => {
      const pair = this.#plain.pair.value;
      if (!this.isDifference.value || !pair) return null;
      return { ...pair.shown, name: [pair.shown.name, pair.other.name] as [string, string] };
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
      this.#plain.start(),
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

  rowOf(position: number): number {
    return position;
  }

  positionOf(row: number): number {
    return row;
  }

  flip(to: "difference" | "second"): boolean {
    const wanted = to === "second" ? "untouched" : to;
    return this.turn(this.side.peek() === wanted ? "edited" : wanted);
  }

  /** Shows the text under edits, without them, or the difference; false without edits. */
  turn(side: TraceSide): boolean {
    if (this.edits.peek().length === 0 || !this.canEdit) return false;
    const isThere = side === "difference" && this.#plain.pair.peek() !== null;
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
