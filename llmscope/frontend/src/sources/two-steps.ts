/** Two steps of a training: what of the one less the other follows from what was kept of both. */

import type { ChainAnswer, TraceAnswer } from "../protocol/answers";
import { type Request, formatKey, headMatrix, parseKey } from "../protocol/keys";
import type { Kind } from "../protocol/shared";
import { type Part, type Source, SourceError } from "../protocol/source";
import { stepOfTrace } from "../protocol/training";
import { problems } from "#words/problems";
import type { Content } from "./page/content";
import { PageSource } from "./page/page";
import { type Whole, wholeMatrix } from "./page/weights";

const words = problems.steps;
const ROWS = 1024; // queries that heads are compared at; of longer texts, evenly spaced ones
/** Of a row's weight that goes to no key: what is less is rounding of 16 bits. */
const LEAST = 2e-3;

export class TwoSteps implements Source {
  readonly #weights: PageSource;
  readonly #distances = new Map<string, Part | string>();

  /** What was kept of the first, and of the second. */
  constructor(private readonly both: readonly [Content, Content]) {
    const [one, other] = both;
    this.#weights = new PageSource({
      ...one,
      answers: {},
      matrices: [...one.matrices, ...other.matrices],
      logits: [],
    });
  }

  ask<T = Part>(key: string): Promise<T> {
    const found = this.#find(key);
    if (typeof found === "string") return Promise.reject(new SourceError(found, "not-in-page"));
    return found ? Promise.resolve(found as T) : this.#weights.ask<T>(key);
  }

  lacks(key: string): string | null {
    const found = this.#find(key);
    return typeof found === "string" ? found : found ? null : this.#weights.lacks(key);
  }

  close(): void {}

  /** The answer; in words, why there is none; or `null` where it is of weights. */
  #find(key: string): Part | string | null {
    const request = parseKey(key) as Request & { trace: readonly [string, string] };
    const names = request.trace;
    const [one, other] = names.map((name, side) => this.#stored<TraceAnswer>(side, inputOf(name)));
    if (!one || !other || !haveSameTokens(one, other)) return words.unlike;
    if ("matrix" in request) return null;
    if (request.type === "chain") return this.#chain(names);
    if (request.type !== "distances") return words.notOfTwo;
    const known = this.#distances.get(key) ?? this.#apart(names, one, request.kind);
    this.#distances.set(key, known);
    return known;
  }

  #stored<T>(side: number, key: string): T | undefined {
    return this.both[side]!.answers[key] as T | undefined;
  }

  #chain(names: readonly [string, string]): Part | string {
    const [one, other] = names.map((trace, side) =>
      this.#stored<ChainAnswer>(side, formatKey({ type: "chain", trace })),
    );
    if (!one || !other) return problems.notHeld;
    const [a, b] = [one.logprobs.data, other.logprobs.data] as [Float32Array, Float32Array];
    const both = new Float32Array(2 * a.length);
    both.set(a);
    both.set(b, a.length);
    return {
      logprobs: { data: a.map((value, at) => value - b[at]!), shape: [a.length] },
      both: { data: both, shape: [2, a.length] },
      perplexities: [one.perplexity, other.perplexity],
    };
  }

  /** How far all heads are apart; NaN where the matrix of one wasn't kept. */
  #apart(names: readonly [string, string], { kinds }: TraceAnswer, kind: Kind): Part | string {
    const [one, other] = names.map((name, side) =>
      this.both[side]!.matrices.find(({ trace, kind: of }) => trace === name && of === kind),
    );
    if (!one || !other) return words.noMatrices;
    const rows = kinds[kind] ?? [];
    const heads = Math.max(0, ...rows.map(([, count]) => count));
    const layers = Math.max(-1, ...rows.map(([layer]) => layer)) + 1;
    const data = new Float32Array(layers * heads).fill(NaN);
    for (const [layer, count] of rows)
      for (let head = 0; head < count; head++) {
        const [a, b] = [one, other].map((all) => wholeMatrix(all, headMatrix(layer, head)));
        if (a && b) data[layer * heads + head] = distance(a, b);
      }
    return { distances: { data, shape: [layers, heads] } };
  }
}

const inputOf = (trace: string): string => formatKey({ type: "step_input", ...stepOfTrace(trace) });

const haveSameTokens = (one: TraceAnswer, other: TraceAnswer): boolean =>
  (["tokens", "target"] as const).every(
    (side) =>
      one[side].length === other[side].length &&
      one[side].every(([id], at) => id === other[side][at]![0]),
  );

/**
 * The mean over queries of the Jensen-Shannon distance of two rows: the square root of the divergence
 * in bits, as `llmscope.analysis.comparison` has it.
 */
function distance(one: Whole, other: Whole): number {
  const { queries, keys } = one;
  const rows = Math.min(queries, ROWS);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    const query = rows < queries ? Math.round((row * (queries - 1)) / (rows - 1)) : row;
    let bits = 0;
    let [restP, restQ] = [1, 1];
    for (let at = query * keys; at < (query + 1) * keys; at++) {
      const [p, q] = [one.weights[at]!, other.weights[at]!];
      bits += shared(p, q);
      restP -= p;
      restQ -= q;
    }
    bits += shared(restP > LEAST ? restP : 0, restQ > LEAST ? restQ : 0);
    total += Math.sqrt(Math.max(0, bits));
  }
  return total / rows;
}

/** What one outcome adds to the divergence: ½ p log₂(p/m) + ½ q log₂(q/m), with m = ½ (p + q). */
function shared(p: number, q: number): number {
  if (p === q) return 0;
  const m = (p + q) / 2;
  return ((p > 0 ? p * Math.log2(p / m) : 0) + (q > 0 ? q * Math.log2(q / m) : 0)) / 2;
}
