/** The rows of two aligned texts, as they are drawn: what each side has there, and how surprising it is. */

import type { Trace } from "../protocol/answers";
import { type Alignment, sideOf } from "../store/alignment";
import { plain } from "./label";

export interface Half {
  /** Its tokens: the first, and the one after the last. */
  first: number;
  end: number;
  text: string;
  /** Whether a space parts it from what is before. */
  isApart: boolean;
  /** In bits; NaN where it isn't known, as of the first token. */
  surprisal: number;
}

export interface Row {
  /** `null` where a side has nothing. */
  a: Half | null;
  b: Half | null;
  /** Whether both say the same. */
  isSame: boolean;
  /** By how many bits it is more surprising in A than in B; NaN where that isn't known. */
  change: number;
}

export function rowsOf({ a, b, rows, surprisals_a, surprisals_b }: Alignment): Row[] {
  const { data, shape } = rows;
  return Array.from({ length: shape[0]! }, (_, row) => {
    const [fromA, toA, fromB, toB, same] = data.subarray(5 * row, 5 * row + 5);
    const one = halfOf(a, fromA!, toA!, surprisals_a?.data);
    const other = halfOf(b, fromB!, toB!, surprisals_b?.data);
    const change = one && other ? one.surprisal - other.surprisal : NaN;
    return { a: one, b: other, isSame: same === 1, change };
  });
}

function halfOf(
  trace: Trace,
  first: number,
  end: number,
  surprisals: ArrayLike<number> | undefined,
): Half | null {
  if (first === end) return null;
  const all = sideOf(trace);
  const tokens = all.slice(first, end);
  const before = all[first - 1];
  // One more piece of the same character: which of how many.
  const isPiece = before?.start === tokens[0]!.start && before.end === tokens[0]!.end;
  const whole = trace.target.length > 0 ? trace.written : trace.text + trace.pair;
  const found = whole.slice(tokens[0]!.start, tokens.at(-1)!.end);
  let surprisal = 0;
  for (let at = first; at < end; at++) surprisal += surprisals?.[at] ?? NaN;
  return {
    first,
    end,
    text:
      found.trim() && !isPiece
        ? found.trimStart().replaceAll("\n", "↵").replaceAll("\t", "⇥")
        : tokens.map(({ label }) => (isPiece ? label.split(" ").at(-1)! : plain(label))).join(""),
    isApart: /^\s/u.test(found) && found.trim() !== "",
    surprisal,
  };
}
