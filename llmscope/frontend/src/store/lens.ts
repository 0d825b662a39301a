import { type ReadonlySignal, batch, computed, effect, signal } from "@preact/signals";
import type { LensAnswer, TokenRow } from "../protocol/answers";
import type { Core } from "./attention/store";

export const STREAMS = ["block", "attention", "mlp"] as const;

export interface LensTraits {
  lens: "probability" | "entropy" | "rank" | "divergence";
  stream: (typeof STREAMS)[number];
}

const BLOCK = 8; // positions that are asked for at once, as in llmscope/source/lens.py

/** A row is 0 for the embeddings, and n + 1 for layer n. */
export type LensCell = readonly [row: number, position: number];

/** What a cell says. */
export interface Reading {
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
  /** The first position in sight, and the one behind the last. */
  readonly inSight = signal<readonly [number, number]>([0, 0]);
  readonly hovered = signal<LensCell | null>(null);
  readonly tokens: ReadonlySignal<TokenRow[]>;
  readonly rows: ReadonlySignal<number>;
  /** The cell in focus, as the traits say. */
  readonly focus: ReadonlySignal<LensCell>;
  /** Why there is no lens, in words. */
  readonly lacking: ReadonlySignal<string | null>;
  readonly isWaiting: ReadonlySignal<boolean>;

  /** No trait tells of the embeddings: they come before the first layer. */
  readonly #embeddings = signal(false);
  readonly #answers = signal<ReadonlyMap<string, LensAnswer>>(new Map());
  readonly #problem = signal(["", ""]);
  readonly #prefix: ReadonlySignal<string>;
  #ends: (() => void)[];

  constructor(
    private readonly core: Core,
    layers: () => number,
  ) {
    const { state, trace, isSeen, lacks } = core;
    this.tokens = computed(() => {
      const { tokens = [], target = [] } = trace.value ?? {};
      return target.length > 0 ? target : tokens;
    });
    this.#prefix = computed(() => `${trace.value?.trace}/lens/${state.stream.value}/`);
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
      const [prefix, why] = this.#problem.value;
      if (prefix === this.#prefix.value) return why!;
      const isHeld = !trace.value || this.#answers.value.size > 0;
      return isHeld ? null : this.lacks(this.focus.value);
    });
    // As one text, which changes only when what is wanted does; the focus first.
    const keys = computed(() => {
      const [first, sight] = this.inSight.value;
      const end = Math.min(sight, this.tokens.value.length); // what is in sight lags behind
      if (!trace.value || !isSeen.value || !sight || this.lacking.value) return "";
      const places = Array.from({ length: Math.max(0, end - first) }, (_, step) => first + step);
      const wanted = [this.focus.value[1], ...places].map((place) => this.#keyOf(place));
      return [...new Set(wanted)].filter((key) => !lacks(key)).join(" ");
    });
    const missing = (known = this.#answers.value) =>
      keys.value.split(" ").filter((key) => key && !known.has(key));
    this.isWaiting = computed(() => missing().length > 0);
    this.#ends = [
      effect(() => {
        void state.layer.value;
        this.#embeddings.value = false;
      }),
      effect(() => {
        const stop = new AbortController();
        const prefix = this.#prefix.peek();
        for (const key of missing(this.#answers.peek()))
          core
            .reader()
            .read<LensAnswer>(key, stop.signal)
            .then(
              (answer) => (this.#answers.value = new Map(this.#answers.peek()).set(key, answer)),
            )
            .catch(({ name, message }: Error) => {
              if (name !== "AbortError") this.#problem.value = [prefix, message];
            });
        return () => stop.abort();
      }),
    ];
  }

  close(): void {
    this.#ends.forEach((end) => end());
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
    return this.core.lacks(this.#keyOf(position));
  }

  read([row, position]: LensCell): Reading | null {
    const answer = this.#answers.value.get(this.#keyOf(position));
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

  #keyOf(position: number): string {
    return this.#prefix.value + Math.floor(position / BLOCK);
  }
}
