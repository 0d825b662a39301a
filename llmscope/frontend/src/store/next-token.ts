/** The distribution of the next token: which position it is at, and how it is asked for. */

import type { LogitsAnswer, Token, Trace } from "../protocol/answers";
import type { Request } from "../protocol/keys";
import { sortLogits } from "../sampling/sampling";
import type { RequestCache } from "./request-cache";
import type { NextToken } from "./state";

/** The token in focus, on whichever side: that of a position, or the last. */
export function focusOf(trace: Trace | null, position: number): number {
  const last = trace ? Math.max(trace.tokens.length, trace.target.length) - 1 : 0;
  return position < 0 || position > last ? last : position;
}

/** The position of the logits after a token: encoder-decoder models have them on the other side. */
export const placeOf = (trace: Trace, focus: number): number =>
  trace.target.length > 0 ? trace.last : focus;

export const logitsOf = (trace: Trace, focus: number): Request => ({
  type: "logits",
  trace: trace.name,
  position: placeOf(trace, focus),
});

export async function readNext(
  cache: RequestCache,
  trace: Trace,
  focus: number,
  signal?: AbortSignal,
): Promise<NextToken> {
  const answer = await cache.read<LogitsAnswer>(logitsOf(trace, focus), signal);
  return nextOf(answer, trace, placeOf(trace, focus));
}

export function nextOf(answer: LogitsAnswer, trace: Trace, position: number): NextToken {
  const sorted = sortLogits(answer.logits.data as Float32Array);
  const { texts, labels, known = sorted.order.length } = answer;
  return { trace, position, sorted, texts, labels, known };
}

/** Generated tokens as a trace: none of its arrays is asked for by name. */
export const generatedTrace = (tokens: Token[]): Trace => ({
  name: "",
  input: "",
  text: "",
  pair: "",
  written: "",
  second: null,
  masked: [],
  hidden: [],
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
