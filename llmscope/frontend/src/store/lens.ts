import { type ReadonlySignal, batch, computed, effect, signal } from "@preact/signals";
import type { LensAnswer, TokenRow } from "./answers";
import type { Core } from "./attention/attention";

export const STREAMS = ["block", "attention", "mlp"] as const;

export interface LensTraits {
  lens: "probability" | "entropy" | "rank" | "divergence";
  stream: (typeof STREAMS)[number];
}

const BLOCK = 8; // positions that are asked for at once, as in llmscope/source/lens.py

/** A row of the table, 0 for the embeddings and n + 1 for layer n, and a position. */
export interface LensCell {
  row: number;
  position: number;
}

/** What a cell says. */
export interface Reading {
  top: { label: string; prob: number }[];
  entropy: number;
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
  /** Keys of what is in sight and isn't there yet. */
  readonly wanted = signal<string[]>([]);
  readonly tokens: ReadonlySignal<TokenRow[]>;
  readonly rows: ReadonlySignal<number>;
  /** The cell in focus, as the traits say. */
  readonly focus: ReadonlySignal<LensCell>;
  /** Why there is no lens, in words. */
  readonly lacking: ReadonlySignal<string | null>;

  /** No trait tells of the embeddings: they come before the first layer. */
  readonly #embeddings = signal(false);
  readonly #answers = signal<ReadonlyMap<string, LensAnswer>>(new Map());
  readonly #problem = signal({ prefix: "", why: "" });
  readonly #prefix: ReadonlySignal<string>;
  #current: { key: string; stop: AbortController } | null = null;
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
    this.#prefix = computed(() => `${trace.value?.trace}/lens/${state.stream.value}`);
    this.rows = computed(() => {
      const [first] = this.#answers.value.values();
      return first?.ids.shape[0] ?? layers() + 1;
    });
    this.focus = computed(() => {
      const last = this.tokens.value.length - 1;
      const position = state.position.value;
      return {
        row: this.#embeddings.value ? 0 : Math.min(state.layer.value, this.rows.value - 2) + 1,
        position: position < 0 || position > last ? last : position,
      };
    });
    this.lacking = computed(() => {
      const { prefix, why } = this.#problem.value;
      if (prefix === this.#prefix.value) return why;
      return trace.value && lacks(this.#keyOf(this.focus.value.position));
    });
    this.#ends = [
      effect(() => {
        void state.layer.value;
        this.#embeddings.value = false;
      }),
      effect(() => {
        const [first, end] = this.inSight.value;
        const places = Array.from({ length: end - first }, (_, step) => first + step);
        const keys = [this.focus.value.position, ...places].map((place) => this.#keyOf(place));
        const isOn = trace.value && isSeen.value && end > first && !this.lacking.value;
        const missing = (key: string) => !this.#answers.peek().has(key) && !lacks(key);
        this.#want(isOn ? [...new Set(keys)].filter(missing) : []);
      }),
    ];
  }

  close(): void {
    this.#ends.forEach((end) => end());
    this.#want([]);
  }

  pick({ row, position }: LensCell): void {
    const { state } = this.core;
    batch(() => {
      state.position.value = position;
      if (row > 0) state.layer.value = row - 1;
    });
    this.#embeddings.value = row === 0;
  }

  read({ row, position }: LensCell): Reading | null {
    const answer = this.#answers.value.get(this.#keyOf(position));
    if (!answer) return null;
    const { ids, probs, entropy, divergence, ranks, true_probs, known, labels } = answer;
    const [, across = 1, top = 1] = ids.shape;
    const at = row * across + (position % BLOCK);
    return {
      top: Array.from({ length: top }, (_, place) => ({
        label: labels[known.data.indexOf(ids.data[at * top + place]!)]!,
        prob: probs.data[at * top + place]!,
      })),
      entropy: entropy.data[at]!,
      divergence: divergence.data[at]!,
      rank: ranks.data[at]!,
      trueProb: true_probs.data[at]!,
    };
  }

  #keyOf(position: number): string {
    return `${this.#prefix.value}/${Math.floor(position / BLOCK)}`;
  }

  /** Asks for keys one after another, and stops what is no longer among them. */
  #want(keys: string[]): void {
    this.wanted.value = keys;
    if (this.#current && !keys.includes(this.#current.key)) this.#current.stop.abort();
    void this.#ask();
  }

  async #ask(): Promise<void> {
    const [key] = this.wanted.peek();
    if (!key || this.#current) return;
    const { stop } = (this.#current = { key, stop: new AbortController() });
    const prefix = this.#prefix.peek();
    try {
      const answer = await this.core.reader().read<LensAnswer>(key, stop.signal);
      this.#answers.value = new Map(this.#answers.peek()).set(key, answer);
    } catch (error) {
      const { name, message } = error as Error;
      if (name !== "AbortError") this.#problem.value = { prefix, why: message };
    }
    this.#current = null;
    if (!stop.signal.aborted) this.wanted.value = this.wanted.peek().filter((one) => one !== key);
    void this.#ask();
  }
}
