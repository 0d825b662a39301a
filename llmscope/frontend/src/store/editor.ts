import { type ReadonlySignal, type Signal, batch, computed, signal } from "@preact/signals";
import type { NextToken, State } from "./state";
import { type Field, type Reading, carried, keyOf, rowOf, whole } from "./text-input";
import type { Facts, TraceAnswer } from "../protocol/answers";

interface Core {
  state: { [K in keyof State]: Signal<State[K]> };
  model: ReadonlySignal<Facts | null>;
  trace: ReadonlySignal<TraceAnswer | null>;
  next: ReadonlySignal<NextToken | null>;
  focus: ReadonlySignal<number>;
}

/** What is read, and the hand that a person has in it: typing, masking, choosing tokens. */
export class Writer {
  readonly reading: ReadonlySignal<Reading>;
  readonly key: ReadonlySignal<string>;
  /** Whether the trace isn't of what is on screen yet. */
  readonly behind: ReadonlySignal<boolean>;
  /** The field that the token which is shown next goes into; `null` where it can't. */
  readonly takes: ReadonlySignal<Field | null>;
  readonly canUndo: ReadonlySignal<boolean>;

  /** What may be taken back, until something else is typed. */
  readonly #done = signal<{ before: Reading; after: string }[]>([]);

  constructor(private readonly core: Core) {
    const { text, pair, target, masked } = core.state;
    this.reading = computed(() => ({
      text: text.value,
      pair: pair.value,
      target: target.value,
      masked: masked.value,
    }));
    this.key = computed(() => core.state.path.value || keyOf(this.reading.value));
    this.behind = computed(() => core.trace.value?.asked !== this.key.value);
    this.takes = computed(() => {
      const { next, trace, state } = core;
      const now = trace.value;
      if (!state.editable.value || this.behind.value || !now || next.value?.trace !== now)
        return null;
      const { position } = next.value;
      if (now.target.length > 0) return "target";
      if (this.fills) return now.gaps.includes(position) ? fieldOf(now, position) : null;
      return position === now.last ? "text" : null;
    });
    this.canUndo = computed(() => this.#done.value.at(-1)?.after === textsOf(this.reading.value));
  }

  /** Whether the model fills gaps. */
  get fills(): boolean {
    return this.core.model.value?.family === "masked";
  }

  edit(text: string, field: Field = "text"): void {
    const { state, trace } = this.core;
    const now = trace.peek();
    const masked = state.masked.peek();
    // Until the text before is read, what was masked stands in the one that was.
    const held = this.behind.peek() ? now?.masked : masked;
    batch(() => {
      state.path.value = "";
      state[field].value = text;
      if (now && masked.length > 0) state.masked.value = carried(now, held!, field, text);
      state.position.value = -1;
    });
  }

  /** Takes over what was read by another name. */
  follow({ text, pair, written, masked }: TraceAnswer): void {
    const { state } = this.core;
    state.text.value = text;
    state.pair.value = pair;
    state.target.value = written;
    state.masked.value = masked;
  }

  /** Shows what was read before, or another of the texts that a page holds. */
  turnTo(reading: Reading): void {
    const { state } = this.core;
    batch(() => {
      state.path.value = "";
      for (const name of ["text", "pair", "target"] as const) state[name].value = reading[name];
      state.masked.value = reading.masked;
      state.position.value = -1;
    });
  }

  /** Whether a token may be hidden from the model: one of the text, that isn't the mask itself. */
  canMask(index: number): boolean {
    const now = this.core.trace.peek();
    const token = now?.tokens[index];
    if (!now || !token || !this.fills || !this.core.state.editable.peek()) return false;
    if (this.behind.peek()) return false;
    return now.masked.includes(index) || (!token[4] && token[2] < token[3]);
  }

  /** Hides a token from the model, or no longer. */
  mask(index: number): void {
    if (!this.canMask(index)) return;
    const { state, trace } = this.core;
    const before = this.reading.peek();
    const { masked } = before;
    const group = whole(trace.peek()!.tokens, index);
    batch(() => {
      state.path.value = "";
      state.masked.value = masked.includes(index)
        ? masked.filter((other) => !group.includes(other))
        : [...masked, ...group].sort((a, b) => a - b);
      state.position.value = index;
    });
    this.#remember(before);
  }

  /** Puts a token behind the text, into the gap, or behind what the decoder has written. */
  take(text: string): void {
    const field = this.takes.peek();
    if (!field) return;
    const { trace, next, state } = this.core;
    const { masked, position } = state;
    const now = trace.peek()!;
    const at = next.peek()!.position;
    const gap = this.fills ? whole(now.tokens, at) : [];
    const row = rowOf(now, field);
    const before = this.reading.peek();
    const all = before[field];
    const end = all.length;
    const [, , from, to] = gap.length > 0 ? row.tokens[at - row.first]! : [0, "", end, end];
    batch(() => {
      this.edit(all.slice(0, from) + (from ? text : text.trimStart()) + all.slice(to), field);
      if (gap.length === 0) return;
      masked.value = masked.peek().filter((other) => !gap.includes(other));
      // On to the next gap, if there is one.
      position.value = now.gaps.some((other) => !gap.includes(other)) ? -1 : at;
    });
    this.#remember(before);
  }

  /** Takes the last choice back; false when something else was typed since. */
  undo(): boolean {
    const last = this.#done.peek().at(-1);
    if (!last || !this.canUndo.peek()) return false;
    this.#done.value = this.#done.peek().slice(0, -1);
    this.turnTo(last.before);
    return true;
  }

  #remember(before: Reading): void {
    this.#done.value = [...this.#done.peek(), { before, after: textsOf(this.reading.peek()) }];
  }
}

const textsOf = (reading: Reading): string => keyOf({ ...reading, masked: [] });

const fieldOf = ({ second }: TraceAnswer, position: number): Field =>
  second !== null && position >= second ? "pair" : "text";
