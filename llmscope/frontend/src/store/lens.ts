import { type ReadonlySignal, batch, computed, effect, signal } from "@preact/signals";
import type { LensAnswer, Token } from "../protocol/answers";
import { type Request, formatKey } from "../protocol/keys";
import { BLOCK } from "../protocol/shared";
import type { Core } from "./core";
import { stable } from "./stable";

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
  readonly #answers = signal<ReadonlyMap<string, LensAnswer>>(new Map());
  readonly #problem = signal(["", ""]);
  /** What all answers have in common: another trace or stream has others. */
  readonly #series: ReadonlySignal<string>;
  /** The blocks of the focus and of what is in sight. */
  readonly #wanted: ReadonlySignal<Request[]>;

  constructor(
    private readonly core: Core,
    layers: () => number,
  ) {
    const { state, trace, isSeen, lacks } = core;
    this.tokens = computed(() => {
      const { tokens = [], target = [] } = trace.value ?? {};
      return target.length > 0 ? target : tokens;
    });
    this.#series = computed(() => formatKey(this.#request(0)));
    this.rows = computed(() => {
      const [first] = this.#answers.value.values();
      return first?.top.shape[0] ?? layers() + 1;
    });
    this.focus = computed(() => {
      const last = this.tokens.value.length - 1;
      const position = state.position.value;
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
            .read<LensAnswer>(request, stop.signal)
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
      state.position.value = position;
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
    if (!answer || position >= this.tokens.value.length) return null;
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

  #missing(known: ReadonlyMap<string, LensAnswer>): Request[] {
    return this.#wanted.value.filter((request) => !known.has(formatKey(request)));
  }

  #request(block: number): Request {
    const trace = this.core.trace.value?.name ?? "";
    return { type: "lens_block", trace, stream: this.core.state.stream.value, block };
  }
}

/** The block of positions that one request is about. */
const blockOf = (position: number): number => Math.floor(position / BLOCK);

const haveSameKeys = (one: Request[], other: Request[]): boolean =>
  one.length === other.length &&
  one.every((request, index) => formatKey(request) === formatKey(other[index]!));
