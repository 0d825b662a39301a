/** What a view of a survey is answered. */

import type { Tensor } from "../../protocol/arrays";
import { SURVEY_SCORES, type SurveyScore } from "../../protocol/shared";
import type { Head } from "../../store/attention/types";

/** As long as no text was read. */
export interface SurveyProgress {
  name: string;
  done: number;
  total: number;
  read: number;
  /** Seconds, as long as the texts before took; `null` while nobody knows. */
  left: number | null;
  skipped: readonly (readonly [index: number, text: string, why: string])[];
  all_skipped: number;
}

export interface SurveyAnswer extends SurveyProgress {
  /** (heads, 2): layer and head. */
  heads: Tensor;
  /** (3, scores, heads): mean, standard deviation, standard error. */
  statistics: Tensor;
  /** (scores, heads): in how many texts a score makes sense. */
  known: Tensor;
  /** Where bars of distance begin, and the last one ends. */
  bins: readonly number[];
  /** (heads, bars): shares. */
  distances: Tensor;
  /** (heads, pairs): ids, -1 where there is none. */
  queries: Tensor;
  keys: Tensor;
  weights: Tensor;
  ids: Tensor;
  labels: readonly string[];
  /** (heads, texts) */
  strongest: Tensor;
  strongest_activity: Tensor;
  deciles: Tensor;
  deciles_activity: Tensor;
}

export const isKnown = (answer: SurveyProgress): answer is SurveyAnswer => "heads" in answer;

export const headOf = ({ heads }: SurveyAnswer, index: number): Head => ({
  layer: heads.data[2 * index]!,
  head: heads.data[2 * index + 1]!,
});

/** The place of a head in all arrays; -1 where it has none. */
export function indexOf({ heads }: SurveyAnswer, { layer, head }: Head): number {
  for (let i = 0; i < heads.shape[0]!; i++)
    if (heads.data[2 * i] === layer && heads.data[2 * i + 1] === head) return i;
  return -1;
}

export interface Statistic {
  mean: number;
  std: number;
  error: number;
  /** In how many texts it makes sense. */
  texts: number;
}

export function statisticOf(answer: SurveyAnswer, score: SurveyScore, index: number): Statistic {
  const { data, shape } = answer.statistics;
  const [, scores, heads] = shape as [number, number, number];
  const of = (row: number) => data[(row * scores + SURVEY_SCORES.indexOf(score)) * heads + index]!;
  const texts = answer.known.data[SURVEY_SCORES.indexOf(score) * heads + index]!;
  return { mean: of(0), std: of(1), error: of(2), texts };
}

/** A row of an array (heads, …). */
export function rowOf({ data, shape }: Tensor, index: number): number[] {
  const width = shape[1]!;
  return Array.from(data.slice(index * width, (index + 1) * width));
}
