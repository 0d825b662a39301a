/** What a view of tokenizers is answered. */

import type { Tensor } from "../../protocol/arrays";

export interface TokenizersAnswer {
  characters: number;
  bytes: number;
  /** (columns, start and end): the shortest parts of the text that all cut at both ends. */
  columns: Tensor;
  /** How many more columns there are. */
  left_out: number;
  rows: readonly Row[];
  samples: readonly Sample[];
}

/** What one tokenizer makes of the text; `refused` says in words why it makes nothing. */
export interface Row {
  name: string;
  vocabulary: number;
  refused?: string;
  /** How many in all. */
  tokens?: number;
  /** Those that stand for what the tokenizer doesn't know, by place. */
  unknown?: readonly number[];
  /** (columns,): how many in each. */
  counts?: readonly number[];
  /** Of the tokens shown. */
  ids?: readonly number[];
  labels?: readonly string[];
}

export interface Sample {
  name: string;
  text: string;
  characters: number;
  /** By tokenizer, and how many of them stand for what it doesn't know; `null` where it can't cut it. */
  tokens: readonly (readonly [tokens: number, unknown: number] | null)[];
}

/** Pieces of one tokenizer in one column: the first, and the one after the last. */
export type Span = readonly [first: number, end: number];

/** By column, the pieces of each row that cuts the text. */
export function spansOf({ columns, rows }: TokenizersAnswer): Span[][] {
  const made = rows.filter(({ counts }) => counts);
  const ends = made.map(() => 0);
  return Array.from({ length: columns.shape[0]! }, (_, column) =>
    made.map(({ counts }, row) => {
      const first = ends[row]!;
      return [first, (ends[row] = first + counts![column]!)] as const;
    }),
  );
}

/** The column that a piece is in. */
export const columnOf = (spans: readonly Span[][], row: number, piece: number): number =>
  spans.findIndex((column) => piece < column[row]![1]);
