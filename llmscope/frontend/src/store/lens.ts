import { type ReadonlySignal, batch, computed, effect, signal } from "@preact/signals";
import type { LensAnswer, LensDifference, Token, Trace } from "../protocol/answers";
import { type Request, formatKey } from "../protocol/keys";
import { BLOCK } from "../protocol/shared";
import type { Core } from "./core";
import { stable } from "./stable";
import type { Sides } from "./sides";

/** A row is 0 for the embeddings, and n + 1 for layer n. */
export type LensCell = readonly [row: number, position: number];

/** What the model would predict at a cell. */
export interface CellPrediction {
  top: { label: string; prob: number }[];
  /** In bits. */
  entropy: number;
  /** Of the model's answer from the layer's, in bits. */
  divergence: number;
  /** Of the true token; -1 where none is known. */
  rank: number;
  trueProb: number;
}

/** What the model would predict at a cell under edits and without them. */
export interface CellDifference {
  edited: { label: string; prob: number };
  untouched: { label: string; prob: number };
  /** Whether the two are other tokens. */
  parted: boolean;
  /** Jensen-Shannon divergence of the two, in bits. */
  divergence: number;
  /** The first row where the likeliest tokens differ at this position; -1 without one. */
  parting: number;
}

/** What each layer would say at each position, asked for as it comes in sight. */
export class LensStore {
  /** The first position in sight, and the one after the last. */
  readonly inSight = signal<readonly [number, number]>([0, 0]);
  readonly hovered = signal<LensCell | null>(null);
  readonly tokens: ReadonlySignal<Token[]>;
  readonly rows: ReadonlySignal<number>;
  /** The cell in focus, as the traits say. */
  readonly focus: ReadonlySignal<LensCell>;
  /** Why there is no lens, in words. */
  readonly lacking: ReadonlySignal<string | null>;
  readonly isWaiting: ReadonlySignal<boolean>;

  /** Whether the embeddings are in focus, before the first layer: no trait says so. */
  readonly #embeddings = signal(false);
  readonly #answers = signal<ReadonlyMap<string, LensAnswer | LensDifference>>(new Map());
  readonly #problem = signal(["", ""]);
  /** What all answers have in common: another trace or stream has others. */
  readonly #series: ReadonlySignal<string>;
  /** The blocks of the focus and of what is in sight. */
  readonly #wanted: ReadonlySignal<Request[]>;

  constructor(
    private readonly core: Core,
    private readonly sides: Sides,
    layers: () => number,
  ) {
    const { state, trace, isSeen, lacks } = core;
    this.tokens = computed(() => {
      const { tokens = [], target = [] } = this.#shown ?? this.core.trace.value ?? {};
      return target.length > 0 ? target : tokens;
    });
    this.#series = computed(() => formatKey(this.#request(0)));
    this.rows = computed(() => {
      const [first] = this.#answers.value.values();
      return first?.top.shape[0] ?? layers() + 1;
    });
    this.focus = computed(() => {
      const last = this.tokens.value.length - 1;
      const chosen = state.position.value;
      const position = chosen >= 0 && this.isDifference ? sides.rowOf(chosen) : chosen;
      return [
        this.#embeddings.value ? 0 : Math.min(state.layer.value + 1, this.rows.value - 1),
        position < 0 || position > last ? last : position,
      ];
    });
    this.lacking = computed(() => {
      const [series, why] = this.#problem.value;
      if (series === this.#series.value) return why!;
      const isHeld = !trace.value || this.#answers.value.size > 0;
      return isHeld ? null : this.lacks(this.focus.value);
    });
    this.#wanted = stable<Request[]>(() => {
      const [first, sight] = this.inSight.value;
      const end = Math.min(sight, this.tokens.value.length); // what is in sight lags behind
      if (!trace.value || !isSeen.value || !sight || this.lacking.value) return [];
      if (this.isDifference && !sides.difference.value) return [];
      const places = Array.from({ length: Math.max(0, end - first) }, (_, step) => first + step);
      const blocks = [this.focus.value[1], ...places].map(blockOf);
      return [...new Set(blocks)]
        .map((block) => this.#request(block))
        .filter((request) => !lacks(request));
    }, haveSameKeys);
    this.isWaiting = computed(() => this.#missing(this.#answers.value).length > 0);
  }

  start(): () => void {
    const { core } = this;
    const { state } = core;
    const ends = [
      effect(() => {
        void state.layer.value;
        this.#embeddings.value = false;
      }),
      effect(() => {
        const stop = new AbortController();
        const series = this.#series.peek();
        for (const request of this.#missing(this.#answers.peek()))
          core
            .cache()
            .read<LensAnswer | LensDifference>(request, stop.signal)
            .then((answer) => {
              const known = new Map(this.#answers.peek());
              this.#answers.value = known.set(formatKey(request), answer);
            })
            .catch(({ name, message }: Error) => {
              if (name !== "AbortError") this.#problem.value = [series, message];
            });
        return () => stop.abort();
      }),
    ];
    return () => ends.forEach((end) => end());
  }

  pick([row, position]: LensCell): void {
    const { state } = this.core;
    batch(() => {
      state.position.value = this.isDifference ? this.sides.positionOf(position) : position;
      if (row > 0) state.layer.value = row - 1;
    });
    this.#embeddings.value = row === 0;
  }

  /** Why a cell can't be read here, in words. */
  lacks([, position]: LensCell): string | null {
    return this.core.lacks(this.#request(blockOf(position)));
  }

  read([row, position]: LensCell): CellPrediction | null {
    const answer = this.#answers.value.get(formatKey(this.#request(blockOf(position))));
    // A table of a longer text may ask once more.
    if (!answer || "divergence" in answer || position >= this.tokens.value.length) return null;
    const { top, labels, probs, facts } = answer;
    const [, across = 1, count = 1] = top.shape;
    const at = row * across + (position % BLOCK);
    const [entropy = 0, divergence = 0, rank = 0, trueProb = 0] = facts.data.subarray(4 * at);
    return {
      top: Array.from(top.data.subarray(count * at, count * (at + 1)), (label, place) => ({
        label: labels[label]!,
        prob: probs.data[count * at + place]!,
      })),
      entropy,
      divergence,
      rank,
      trueProb,
    };
  }

  /** Whether the difference that edits make is shown. */
  get isDifference(): boolean {
    return this.sides.isDifference.value;
  }

  readDifference([row, position]: LensCell): CellDifference | null {
    const answer = this.#answers.value.get(formatKey(this.#request(blockOf(position))));
    if (!answer || !("divergence" in answer) || position >= this.tokens.value.length) return null;
    const { top, labels, probs, divergence, parting } = answer;
    const column = position % BLOCK;
    const at = row * top.shape[1]! + column;
    const of = (side: 0 | 1) => ({
      label: labels[top.data[2 * at + side]!]!,
      prob: probs.data[2 * at + side]!,
    });
    return {
      edited: of(0),
      untouched: of(1),
      parted: top.data[2 * at] !== top.data[2 * at + 1],
      divergence: divergence.data[at]!,
      parting: parting.data[column]!,
    };
  }

  /** The trace that is read, or of two the one less the other. */
  get #shown(): Trace | null {
    return this.isDifference ? this.sides.difference.value : this.core.trace.value;
  }

  #missing(known: ReadonlyMap<string, unknown>): Request[] {
    return this.#wanted.value.filter((request) => !known.has(formatKey(request)));
  }

  #request(block: number): Request {
    const trace = this.#shown?.name ?? "";
    return { type: "lens_block", trace, stream: this.core.state.stream.value, block };
  }
}

/** The block of positions that one request is about. */
const blockOf = (position: number): number => Math.floor(position / BLOCK);

const haveSameKeys = (one: Request[], other: Request[]): boolean =>
  one.length === other.length &&
  one.every((request, index) => formatKey(request) === formatKey(other[index]!));
