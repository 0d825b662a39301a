import { type Row, commonPrefix } from "../../store/text-input";

/** A stretch of text and the tokens that it is made of; none where the trace is behind. */
export interface Piece {
  text: string;
  tokens: number[];
}

/**
 * Cuts `text` where the tokens of `row` end. While a person types, these are of the text before:
 * what both begin with keeps its tokens, the rest has none yet.
 */
export function pieces(row: Row, text: string): Piece[] {
  const same = row.text === text ? text.length : commonPrefix(row.text, text);
  const found: Piece[] = [];
  let reached = 0;
  row.tokens.forEach(({ start, end }, index) => {
    if (end > same || end === start) return;
    const last = found[found.length - 1];
    if (end <= reached && last) {
      last.tokens.push(row.first + index); // One more piece of the same character.
    } else {
      found.push({ text: text.slice(reached, end), tokens: [row.first + index] });
      reached = end;
    }
  });
  if (reached < text.length) found.push({ text: text.slice(reached), tokens: [] });
  return found;
}
