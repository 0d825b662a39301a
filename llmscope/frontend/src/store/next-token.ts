/** What follows a token: where its logits stand, and how they are asked for. */

import { sortLogits } from "../sampling/sampling";
import type { LogitsAnswer, TokenRow, TraceAnswer } from "../protocol/answers";
import type { Reader } from "./request-cache";
import type { NextToken } from "./state";

/** The token in focus, on whichever side: that of a position, or the last. */
export function focusOf(trace: TraceAnswer | null, position: number): number {
  const last = trace ? Math.max(trace.tokens.length, trace.target.length) - 1 : 0;
  return position < 0 || position > last ? last : position;
}

/** Where the logits behind a token stand: encoder-decoder models have them on the other side. */
export const placeOf = (trace: TraceAnswer, focus: number): number =>
  trace.target.length > 0 ? trace.last : focus;

export const logitsKey = (trace: TraceAnswer, focus: number): string =>
  `${trace.trace}/logits/${placeOf(trace, focus)}`;

export async function logits(
  reader: Reader,
  trace: TraceAnswer,
  focus: number,
  signal?: AbortSignal,
): Promise<NextToken> {
  const position = placeOf(trace, focus);
  const answer = await reader.read<LogitsAnswer>(logitsKey(trace, focus), signal);
  return nextOf(answer, trace, position);
}

export function nextOf(answer: LogitsAnswer, trace: TraceAnswer, position: number): NextToken {
  const sorted = sortLogits(answer.logits.data as Float32Array);
  const { texts, labels, known = sorted.order.length } = answer;
  return { trace, position, sorted, texts, labels, known };
}

/** Tokens that are being written, as a trace: none of its arrays is asked for by name. */
export const behind = (tokens: TokenRow[]): TraceAnswer => ({
  trace: "",
  asked: "",
  text: "",
  pair: "",
  written: "",
  second: null,
  masked: [],
  gaps: [],
  ended: false,
  kind: "self",
  last: tokens.length - 1,
  tokens,
  roles: [],
  why_no_roles: null,
  target: [],
  kinds: {},
  why: null,
});
