/** How the input of a trace is made of its fields, and what an edit does to masked tokens. */

import type { Token, Trace } from "../protocol/answers";
import { type TextInput, formatKey, otherKey, parseKey, underKey } from "../protocol/keys";

/** What a person types into: the text, a second sentence, the decoder's text. */
export type Field = "text" | "pair" | "target";

/** Whether a key is of no text at all: what is refused of it is no problem. */
export const isEmptyKey = (key: string): boolean => /^(?:other\/)?text\/$/.test(key);

/** The key of an input once positions that it counts from the end are known. */
export function placedKey(key: string, masked: readonly number[]): string {
  const asked = parseKey(key);
  if (asked?.type === "other") return otherKey(placedKey(formatKey(asked.request), masked));
  if (asked?.type === "under")
    return underKey(asked.edits, placedKey(formatKey(asked.input), masked));
  return asked?.type === "text" ? inputKey({ ...asked, masked }) : key;
}

export const inputKey = (input: TextInput): string => formatKey({ type: "text", ...input });

/** What one field holds of a trace. */
export interface Row {
  text: string;
  /** Their spans are those in `text`. */
  tokens: Token[];
  /** Which token of its side the first one is. */
  first: number;
}

export function rowOf(trace: Trace, field: Field): Row {
  const { text, pair, written, tokens, target, second } = trace;
  if (field === "target") return { text: written, tokens: target, first: 0 };
  const first = second ?? tokens.length;
  if (field === "text") return { text, tokens: tokens.slice(0, first), first: 0 };
  const own = tokens.slice(first).map((token) => ({
    ...token,
    start: Math.max(0, token.start - text.length),
    end: token.end - text.length,
  }));
  return { text: pair, tokens: own, first };
}

/** The tokens that make one character together with a token, itself included. */
export function sharing(tokens: readonly Token[], index: number): number[] {
  const { start, end } = tokens[index]!;
  return tokens.flatMap((other, at) => (other.start === start && other.end === end ? [at] : []));
}

/**
 * Positions of masked tokens once a field holds another text: those before what changed keep their
 * position from the start, those after it from the end, those in it are masked no more.
 */
export function carried(
  trace: Trace,
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
    const { start, end } = token;
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
