import type { TraceAnswer } from "../store/answers";

/** A stretch of text and the tokens that it is made of; none where the model is behind. */
export interface Piece {
  text: string;
  tokens: number[];
}

/**
 * Cuts `text` where the tokens of `trace` end. While a person types, the trace is of the text
 * before: what both begin with keeps its tokens, the rest has none yet.
 */
export function pieces(trace: TraceAnswer, text: string): Piece[] {
  const same = trace.text === text ? text.length : commonPrefix(trace.text, text);
  const found: Piece[] = [];
  let reached = 0;
  trace.tokens.forEach(([, , start, end], index) => {
    if (end > same || end === start) return;
    const last = found[found.length - 1];
    if (end <= reached && last) {
      last.tokens.push(index); // One more piece of the same character.
    } else {
      found.push({ text: text.slice(reached, end), tokens: [index] });
      reached = end;
    }
  });
  if (reached < text.length) found.push({ text: text.slice(reached), tokens: [] });
  return found;
}

function commonPrefix(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let same = 0;
  while (same < most && a.charCodeAt(same) === b.charCodeAt(same)) same++;
  return same;
}
