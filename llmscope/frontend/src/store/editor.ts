import { type ReadonlySignal, batch, computed, signal } from "@preact/signals";
import type { Trace } from "../protocol/answers";
import { type TextInput, underKey } from "../protocol/keys";
import type { Core } from "./core";
import { type Field, carried, inputKey, rowOf, sharing } from "./text-input";

/** The input text and its edits: typing, masking, inserting tokens, undo. */
export class Editor {
  readonly input: ReadonlySignal<TextInput>;
  readonly key: ReadonlySignal<string>;
  /** The same without edits. */
  readonly plainKey: ReadonlySignal<string>;
  /** Whether the trace isn't of the input on screen yet. */
  readonly isBehind: ReadonlySignal<boolean>;
  /** The field that a next token is inserted into; `null` where none can be. */
  readonly target: ReadonlySignal<Field | null>;
  readonly canUndo: ReadonlySignal<boolean>;

  /** What may be taken back, until something else is typed. */
  readonly #done = signal<{ before: TextInput; after: string }[]>([]);

  /** `keyed` makes the key of what a second model reads. */
  constructor(
    private readonly core: Pick<Core, "state" | "model" | "trace" | "next" | "isGone">,
    keyed = (key: string) => key,
  ) {
    const { text, pair, target, masked } = core.state;
    this.input = computed(() => ({
      text: text.value,
      pair: pair.value,
      target: target.value,
      masked: masked.value,
    }));
    this.plainKey = computed(() => core.state.path.value || inputKey(this.input.value));
    const { edits, side } = core.state;
    this.key = computed(() => {
      const shown = side.value === "untouched" ? [] : (edits.value ?? []);
      return keyed(underKey(shown, this.plainKey.value));
    });
    this.isBehind = computed(() => core.trace.value?.input !== this.key.value);
    this.target = computed(() => {
      const { next, trace, state } = core;
      const now = trace.value;
      if (!state.editable.value || core.isGone.value) return null;
      if (this.isBehind.value || !now || next.value?.trace !== now) return null;
      const { position } = next.value;
      if (now.target.length > 0) return "target";
      if (this.fillsGaps) return now.gaps.includes(position) ? fieldOf(now, position) : null;
      return position === now.last ? "text" : null;
    });
    this.canUndo = computed(() => this.#done.value.at(-1)?.after === textsOf(this.input.value));
  }

  /** Whether the model fills gaps. */
  get fillsGaps(): boolean {
    return this.core.model.value?.family === "masked";
  }

  edit(text: string, field: Field = "text"): void {
    const { state, trace } = this.core;
    const now = trace.peek();
    const masked = state.masked.peek();
    // Until the edit before is traced, masked positions are those of the trace.
    const held = this.isBehind.peek() ? now?.masked : masked;
    batch(() => {
      state.path.value = "";
      state[field].value = text;
      if (now && masked.length > 0) state.masked.value = carried(now, held!, field, text);
      state.position.value = -1;
    });
  }

  /** Takes over the input of a trace that was asked for by another key. */
  follow({ text, pair, written, masked }: Trace): void {
    const { state } = this.core;
    state.text.value = text;
    state.pair.value = pair;
    state.target.value = written;
    state.masked.value = masked;
  }

  /** Shows an input of before, or another of those that a page holds. */
  show(input: TextInput): void {
    const { state } = this.core;
    batch(() => {
      state.path.value = "";
      for (const name of ["text", "pair", "target"] as const) state[name].value = input[name];
      state.masked.value = input.masked;
      state.position.value = -1;
    });
  }

  /** Whether a token may be hidden from the model: one of the text, that isn't the mask itself. */
  canMask(index: number): boolean {
    const now = this.core.trace.peek();
    const token = now?.tokens[index];
    if (!now || !token || !this.fillsGaps || !this.core.state.editable.peek()) return false;
    if (this.isBehind.peek() || this.core.isGone.peek()) return false;
    return now.masked.includes(index) || (!token.isSpecial && token.start < token.end);
  }

  /** Masks a token, or no longer. */
  mask(index: number): void {
    if (!this.canMask(index)) return;
    const { state, trace } = this.core;
    const before = this.input.peek();
    const { masked } = before;
    const group = sharing(trace.peek()!.tokens, index);
    batch(() => {
      state.path.value = "";
      state.masked.value = masked.includes(index)
        ? masked.filter((other) => !group.includes(other))
        : [...masked, ...group].sort((a, b) => a - b);
      state.position.value = index;
    });
    this.#remember(before);
  }

  /** Inserts a token after the text, into the gap, or after the decoder's text. */
  insert(text: string): void {
    const field = this.target.peek();
    if (!field) return;
    const { trace, next, state } = this.core;
    const { masked, position } = state;
    const now = trace.peek()!;
    const at = next.peek()!.position;
    const gap = this.fillsGaps ? sharing(now.tokens, at) : [];
    const row = rowOf(now, field);
    const before = this.input.peek();
    const all = before[field];
    const atEnd = { start: all.length, end: all.length };
    const { start, end } = gap.length > 0 ? row.tokens[at - row.first]! : atEnd;
    batch(() => {
      this.edit(all.slice(0, start) + (start ? text : text.trimStart()) + all.slice(end), field);
      if (gap.length === 0) return;
      masked.value = masked.peek().filter((other) => !gap.includes(other));
      // On to the next gap, if there is one.
      position.value = now.gaps.some((other) => !gap.includes(other)) ? -1 : at;
    });
    this.#remember(before);
  }

  /** Takes the last insertion back; false when something else was typed since. */
  undo(): boolean {
    const last = this.#done.peek().at(-1);
    if (!last || !this.canUndo.peek()) return false;
    this.#done.value = this.#done.peek().slice(0, -1);
    this.show(last.before);
    return true;
  }

  #remember(before: TextInput): void {
    this.#done.value = [...this.#done.peek(), { before, after: textsOf(this.input.peek()) }];
  }
}

const textsOf = (input: TextInput): string => inputKey({ ...input, masked: [] });

const fieldOf = ({ second }: Trace, position: number): Field =>
  second !== null && position >= second ? "pair" : "text";
