/** What is read: a text, and what goes with it; see `llmscope/source/reading.py`. */

import type { TokenRow, TraceAnswer } from "../protocol/answers";

/** What a person writes into: the text, a second sentence, the decoder's text. */
export type Field = "text" | "pair" | "target";

export interface Reading extends Record<Field, string> {
  /** Positions of tokens behind the mask; below 0 from the end. */
  masked: readonly number[];
}

export type ReadingParts = [text: string, pair: string, target: string, masked: number[]];

export const keyOf = ({ text, pair, target, masked }: Reading): string =>
  pair || target || masked.length > 0
    ? `read/${JSON.stringify([text, pair, target, masked])}`
    : `text/${text}`;

/** What one field holds of a trace. */
export interface Row {
  text: string;
  /** Their spans are those in `text`. */
  tokens: TokenRow[];
  /** Which token of its side the first one is. */
  first: number;
}

export function rowOf(trace: TraceAnswer, field: Field): Row {
  const { text, pair, written, tokens, target, second } = trace;
  if (field === "target") return { text: written, tokens: target, first: 0 };
  const first = second ?? tokens.length;
  if (field === "text") return { text, tokens: tokens.slice(0, first), first: 0 };
  const own = tokens
    .slice(first)
    .map(([id, label, start, end, special]): TokenRow => [
      id,
      label,
      Math.max(0, start - text.length),
      end - text.length,
      special,
    ]);
  return { text: pair, tokens: own, first };
}

/** The tokens that make one character together with a token, itself included. */
export function whole(tokens: readonly TokenRow[], index: number): number[] {
  const [, , start, end] = tokens[index]!;
  return tokens.flatMap(([, , from, to], other) => (from === start && to === end ? [other] : []));
}

/**
 * Where masked tokens stand once a field holds another text: those before what changed keep their
 * place from the start, those behind it from the end, those in it are masked no more.
 */
export function carried(
  trace: TraceAnswer,
  masked: readonly number[],
  field: Field,
  text: string,
): number[] {
  const row = rowOf(trace, field);
  const old = row.text;
  const before = commonPrefix(old, text);
  const most = Math.min(old.length, text.length) - before;
  let after = 0;
  while (after < most && old.at(-1 - after) === text.at(-1 - after)) after++;
  const from = old.length - after;
  const parts = (all: string, at: number) => at >= all.length || /\s/.test(all[at]!);
  return masked.flatMap((position) => {
    const token = row.tokens[position - row.first];
    if (position < row.first) return [position];
    if (!token) return [position - trace.tokens.length];
    const [, , start, end] = token;
    if (end < before || (end === before && parts(text, end))) return [position];
    if (start > from || (start === from && parts(old, start)))
      return [position - trace.tokens.length];
    return [];
  });
}

export function commonPrefix(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let same = 0;
  while (same < most && a.charCodeAt(same) === b.charCodeAt(same)) same++;
  return same;
}
