/** Two texts, or two models, side by side: A, B, and how their tokens are aligned. */

import { type ReadonlySignal, type Signal, batch, computed, effect, signal } from "@preact/signals";
import type { DistancesAnswer, Facts, RowsAnswer, Token, Trace } from "../protocol/answers";
import type { Tensor } from "../protocol/arrays";
import {
  type Anchor,
  type Request,
  type TraceName,
  formatKey,
  isOtherKey,
  otherKey,
  parseKey,
} from "../protocol/keys";
import { type Kind, MOST_ANCHORS, type OfTwo } from "../protocol/shared";
import { compare as words } from "#words/compare";
import { type Alignment, sideOf } from "./alignment";
import type { Core } from "./core";
import { type Distances, haveSameHeads } from "./distances";
import { Editor } from "./editor";
import { placeOf } from "./next-token";
import { type Beside, Counterpart, type Sides } from "./sides";

export class Comparing implements Sides {
  readonly of = "texts";
  readonly side: ReadonlySignal<OfTwo>;
  readonly isDifference: ReadonlySignal<boolean>;
  readonly comparesHeads: ReadonlySignal<boolean>;
  readonly difference: ReadonlySignal<Trace | null>;
  readonly beside: ReadonlySignal<Beside | null>;
  /** What types into B. */
  readonly editor: Editor;
  /** The model of B. */
  readonly model = signal<Facts | null>(null);
  /** The latest traces of both. */
  readonly a = signal<Trace | null>(null);
  readonly b = signal<Trace | null>(null);
  /** The alignment of both, or of two before them. */
  readonly aligned = signal<Alignment | null>(null);
  readonly pair: ReadonlySignal<unknown> = this.aligned;
  /** Whether it is of the two on screen. */
  readonly isAligned: ReadonlySignal<boolean>;
  readonly distances = signal<Distances | null>(null);
  /** Why the two can't be aligned, in words. */
  readonly refused = signal<string | null>(null);
  /** Why their heads can't be held against each other, in words. */
  readonly unlike = signal<string | null>(null);
  readonly why: ReadonlySignal<string | null>;
  readonly sharesVocabulary: ReadonlySignal<boolean>;
  readonly anchors: ReadonlySignal<readonly Anchor[]>;
  /** Of models with other tokens: asks for what comes next as texts, at the row in focus. */
  readonly nextTexts: ReadonlySignal<Request | null>;
  /** A token that is to be aligned with one of the other side, by hand. */
  readonly held = signal<{ side: "a" | "b"; token: number } | null>(null);

  readonly #other: Counterpart;
  readonly #name: ReadonlySignal<TraceName | null>;

  constructor(
    private readonly core: Core,
    readonly editorOfA: Editor,
    private readonly kind: () => Kind,
  ) {
    const { state } = core;
    this.side = computed(() => (state.side.value ?? "difference") as OfTwo);
    this.isDifference = this.comparesHeads = computed(() => this.side.value === "difference");
    this.why = computed(() => this.refused.value ?? this.unlike.value);
    this.sharesVocabulary = computed(() => this.aligned.value?.one_vocabulary ?? false);
    this.anchors = computed(() => state.anchors.value ?? []);
    this.editor = new Editor(
      {
        ...core,
        state: {
          ...state,
          text: state.otherText,
          pair: state.otherPair,
          target: state.otherTarget,
          masked: state.otherMasked,
          edits: state.otherEdits,
          path: signal(""),
          position: state.position,
        },
        trace: this.b,
        model: this.model,
      },
      otherKey,
    );
    const other = computed(() => {
      const editor = this.side.value === "b" ? this.editorOfA : this.editor;
      return isEmpty(editor) ? null : editor.key.value;
    });
    const wantsNext = computed(
      () => core.next.value !== null && state.panels.value.includes("next-token"),
    );
    this.#other = new Counterpart(core, other, wantsNext, (position) => this.#across(position));
    this.beside = this.#other.next;
    this.#name = computed(() => {
      const [a, b] = [this.a.value, this.b.value];
      if (!a || !b) return null;
      const anchors = this.anchors.value;
      const names = [a.name as string, b.name as string] as const;
      return anchors.length > 0 ? [...names, anchors] : names;
    });
    this.nextTexts = computed(() => {
      const trace = this.isAligned.value && this.#name.value;
      if (!trace || this.sharesVocabulary.value) return null;
      const row = core.state.position.value < 0 ? -1 : this.beatOf(core.focus.value, "a");
      return {
        type: "logits",
        trace,
        position: row < 0 ? this.aligned.value!.rows.shape[0]! - 1 : row,
      };
    });
    this.isAligned = computed(() => {
      const aligned = this.aligned.value;
      return aligned !== null && aligned.a === this.a.value && aligned.b === this.b.value;
    });
    this.difference = computed(() => {
      const aligned = this.aligned.value;
      if (!this.isDifference.value || !aligned || !this.isAligned.value) return null;
      const { a, b, name, pairs, source_pairs } = aligned;
      if (aligned.a !== core.trace.value) return null;
      const decimals = a.decimals ?? b.decimals;
      return {
        ...a,
        name,
        tokens: paired(a.tokens, a.target.length > 0 ? source_pairs : pairs),
        target: a.target.length > 0 ? paired(a.target, pairs) : [],
        last: pairs.data.length / 2 - 1,
        ...(decimals !== undefined && { decimals }),
      };
    });
  }

  start(): () => void {
    const { core } = this;
    const asked = new AbortController();
    core
      .ask<{ model: Facts }>({ type: "other", request: { type: "model" } }, asked)
      .then(({ model }) => (this.model.value = model))
      .catch((error: unknown) => !asked.signal.aborted && core.report(error));
    const ends = [
      () => asked.abort(),
      this.#other.start(),
      effect(() => this.#followTraces()),
      effect(() => this.#followRows()),
      effect(() => this.#followDistances()),
    ];
    return () => ends.forEach((end) => end());
  }

  // ── gestures ──────────────────────────────────────────────────────────────────────────────

  /** Shows A, B or the difference; the token in focus stays, where both have it. */
  turn(side: OfTwo): void {
    const { core } = this;
    const { state } = core;
    const editor = side === "b" ? this.editor : this.editorOfA;
    const request = parseKey(editor.key.peek());
    const lacking = request && core.lacks(request);
    if (lacking) return core.report(new Error(lacking));
    const was = this.side.peek();
    batch(() => {
      if ((was === "b") !== (side === "b") && state.position.peek() >= 0)
        state.position.value = this.#partner(state.position.peek(), was === "b" ? "b" : "a") ?? -1;
      state.side.value = side;
    });
  }

  flip(to: "difference" | "second"): boolean {
    const wanted = to === "second" ? "b" : to;
    this.turn(this.side.peek() === wanted ? "a" : wanted);
    return true;
  }

  /** Puts a token of a side in focus: on both sides, where the other has it, too. */
  pin(side: "a" | "b", token: number): void {
    const own = this.side.peek() === "b" ? "b" : "a";
    const there = own === side ? token : this.#partner(token, side);
    if (there !== null) this.core.state.position.value = there;
    else
      batch(() => {
        // Only the other side has it.
        this.core.state.side.value = side;
        this.core.state.position.value = token;
      });
  }

  /** Takes a token to align it by hand; with one of the other side that was taken before, does so. */
  hold(side: "a" | "b", token: number): void {
    const held = this.held.peek();
    if (held?.side === side && held.token === token) this.held.value = null;
    else if (!held || held.side === side) this.held.value = { side, token };
    else {
      const anchor: Anchor = side === "b" ? [held.token, token] : [token, held.token];
      this.held.value = null;
      this.align(anchor);
    }
  }

  /** Aligns two tokens; anchors that this crosses are given up. */
  align([a, b]: Anchor): void {
    const { core } = this;
    const left = this.anchors.peek().filter(([one, other]) => (one - a) * (other - b) > 0);
    const wanted = [...left, [a, b] as Anchor].sort(([one], [other]) => one - other);
    if (wanted.length > MOST_ANCHORS) return;
    const traces = [this.a.peek()!.name, this.b.peek()!.name] as [string, string];
    const lacking = core.lacks({ type: "rows", trace: [...traces, wanted] });
    if (lacking) core.report(new Error(lacking));
    else core.state.anchors.value = wanted;
  }

  /** Takes an anchor back. */
  release(anchor: Anchor): void {
    this.core.state.anchors.value = this.anchors.peek().filter((other) => other !== anchor);
  }

  // ── the alignment ─────────────────────────────────────────────────────────────────────────

  rowOf(position: number): number {
    const aligned = this.aligned.value;
    if (!aligned) return 0;
    const { data } = aligned.pairs;
    let row = 0;
    for (let at = 0; at < data.length; at += 2) if (data[at]! <= position) row = at / 2;
    return row;
  }

  positionOf(row: number): number {
    return row < 0 ? row : (this.aligned.peek()?.pairs.data[2 * row] ?? -1);
  }

  /** The token in focus of a side; `null` where it has none. */
  focusOf(side: "a" | "b"): number | null {
    const own = this.side.value === "b" ? "b" : "a";
    const trace = this[side].value;
    if (this.core.state.position.value < 0) return trace && sideOf(trace).length - 1;
    return own === side ? this.core.focus.value : this.#partner(this.core.focus.value, own);
  }

  /** The token beside one of a side; `null` where the other has none. */
  #partner(token: number, side: "a" | "b"): number | null {
    const [from, end] = this.#spanOf(this.beatOf(token, side), side === "a" ? "b" : "a");
    return end > from ? end - 1 : null;
  }

  /** The tokens of a side in a row: the first, and the one after the last. */
  #spanOf(row: number, side: "a" | "b"): readonly [from: number, end: number] {
    const at = 5 * row + (side === "a" ? 0 : 2);
    const { data } = this.aligned.value?.rows ?? {};
    return row < 0 || !data ? [0, 0] : [data[at]!, data[at + 1]!];
  }

  /** The position of the other text that is held against one on screen: the end against the end. */
  #across(position: number): number | null {
    const isOther = this.side.value === "b";
    const other = (isOther ? this.a : this.b).value;
    if (!other) return null;
    if (this.core.state.position.value < 0 || other.target.length > 0)
      return placeOf(other, other.last);
    // Where it has read as far.
    const row = this.beatOf(position, isOther ? "b" : "a");
    const [, end] = this.#spanOf(row, isOther ? "a" : "b");
    return end > 0 ? end - 1 : null;
  }

  /** Pins what stands in a row. */
  pinBeat(row: number): void {
    for (const side of ["a", "b"] as const) {
      const [from, end] = this.#spanOf(row, side);
      if (end > from) return this.pin(side, end - 1);
    }
  }

  /** The row of a token of a side; -1 without one. */
  beatOf(token: number, side: "a" | "b"): number {
    const rows = this.isAligned.value ? this.aligned.value!.rows.shape[0]! : 0;
    for (let row = 0; row < rows; row++) {
      const [from, end] = this.#spanOf(row, side);
      if (from <= token && token < end) return row;
    }
    return -1;
  }

  // ── asking ────────────────────────────────────────────────────────────────────────────────

  #followTraces(): void {
    const shown = this.core.trace.value;
    const other = this.#other.pair.value?.other;
    batch(() => {
      if (!shown) (this.side.peek() === "b" ? this.b : this.a).value = null;
      if (isEmpty(this.editorOfA)) this.a.value = null;
      if (isEmpty(this.editor)) this.b.value = null;
      for (const trace of [shown, other])
        if (trace) (isOtherKey(trace.input) ? this.b : this.a).value = trace;
    });
  }

  #followRows(): (() => void) | void {
    const { core } = this;
    const name = this.#name.value;
    const [a, b] = [this.a.peek(), this.b.peek()];
    if (!name || !a || !b || !core.isSeen.value) return;
    const request = { type: "rows", trace: name } as const;
    const known = this.aligned.peek();
    if (known && formatKey({ type: "rows", trace: known.name }) === formatKey(request)) {
      this.aligned.value = { ...known, a, b };
      return;
    }
    const lacking = core.lacks(request);
    this.refused.value = lacking;
    if (lacking) return;
    return this.#ask<RowsAnswer>(
      request,
      (rows) => (this.aligned.value = { ...rows, a, b, name }),
      this.refused,
    );
  }

  #followDistances(): (() => void) | void {
    const { core } = this;
    const { state } = core;
    const of = this.aligned.value;
    const kind = this.kind();
    const isShown = state.panels.value.includes("overview") && this.isDifference.value;
    if (!of || !this.isAligned.value || !core.isSeen.value) return;
    this.unlike.value = haveSameHeads(of.a, of.b, kind) ? null : words.unlike;
    if (this.unlike.peek() || !isShown) return;
    const known = this.distances.peek();
    if (known?.of === of && known.kind === kind) return;
    const request = { type: "distances", trace: of.name, kind } as const;
    const lacking = core.lacks(request);
    if (lacking) {
      this.unlike.value = lacking;
      return;
    }
    return this.#ask<DistancesAnswer>(
      request,
      ({ distances }) =>
        batch(() => {
          this.distances.value = { distances, of, kind };
          if (state.telling.peek()) this.#begin(distances);
        }),
      this.unlike,
    );
  }

  /** Begins at the head that is farthest apart, unless somebody chose one. */
  #begin({ data, shape }: Tensor): void {
    const { layer, head, telling } = this.core.state;
    let best = -1;
    for (let at = 0; at < data.length; at++)
      if (data[at]! > 0 && !(data[at]! <= (data[best] ?? 0))) best = at;
    telling.value = false;
    if (best < 0) return;
    layer.value = Math.floor(best / shape[1]!);
    head.value = best % shape[1]!;
  }

  #ask<T>(request: Request, take: (answer: T) => void, refused: Signal<string | null>): () => void {
    const asked = new AbortController();
    this.core
      .ask<T>(request, asked)
      .then((answer) => {
        if (asked.signal.aborted) return;
        refused.value = null;
        take(answer);
      })
      .catch((error: Error) => {
        if (!asked.signal.aborted) refused.value = error.message;
      });
    return () => asked.abort();
  }
}

/** The tokens of A that B has, too. */
const paired = (tokens: Token[], { data }: Tensor): Token[] =>
  Array.from({ length: data.length / 2 }, (_, pair) => tokens[data[2 * pair]!]!);

const isEmpty = ({ input }: Editor): boolean => input.value.text === "";
