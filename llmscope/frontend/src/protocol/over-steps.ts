/** Answers over all kept steps of a training. */

import type { Tensor } from "./arrays";

/** The next token after a position of a probe. */
export interface AcrossAnswer {
  /** (steps,) */
  steps: Tensor;
  /** (tokens,), those with the greatest maximum first. */
  ids: Tensor;
  labels: readonly string[];
  /** (steps, tokens); NaN where a token isn't among those that are known exactly. */
  probs: Tensor;
  /** (steps,), in bits. */
  entropy: Tensor;
}

/** What all heads do on a probe. */
export interface HeadsAnswer {
  steps: Tensor;
  /** (steps, SCORES, layers, heads); NaN where a head has no such score. */
  scores: Tensor;
}

/** Steps at which one head is pictured, at most. */
export const MOST_PICTURES = 24;

/** Thumbnails of one head, at some of the steps. */
export interface HeadAnswer {
  steps: Tensor;
  /** (steps, rows, keys) */
  shades: Tensor;
}

/** The likeliest token after each layer, at a position of a probe. */
export interface LensAnswer {
  steps: Tensor;
  /** (steps, layers + 1); the last is the model's own. */
  ids: Tensor;
  labels: { ids: Tensor; labels: readonly string[] };
  /** (steps, layers + 1), natural logarithms. */
  logprobs: Tensor;
}
