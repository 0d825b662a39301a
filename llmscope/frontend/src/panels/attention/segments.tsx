import { SEGMENTS, type Segments } from "../../protocol/shared";
import type { Matrix } from "../../store/attention/types";
import type { Store } from "../../store/store";
import { Segmented } from "../../ui/segmented";
import { attention as words } from "#words/attention";
import type { Strand } from "./paint-arcs";

/** Of two sentences: from which to which. */
export function SegmentFilter({ store, matrix }: { store: Store; matrix: Matrix }) {
  const { segments } = store.state;
  if (matrix.trace.second === null || matrix.kind !== "self") return null;
  return (
    <Segmented
      label={words.segment}
      options={SEGMENTS}
      names={words.segments}
      value={segments.value}
      onPick={(picked) => (segments.value = picked)}
    />
  );
}

/** A part of a matrix: the tokens from the first up to the last, which isn't in it. */
export type Part = Record<"query" | "key", [first: number, last: number]>;

/** The part that is drawn; `null` for all of it. */
export function partOf({ trace, kind, sides }: Matrix, segments: Segments): Part | null {
  const { second } = trace;
  if (segments === "all" || second === null || kind !== "self") return null;
  const span = (name: string, count: number): [number, number] =>
    name === "a" ? [0, second] : [second, count];
  return {
    query: span(segments[0]!, sides.queries.length),
    key: span(segments[1]!, sides.keys.length),
  };
}

export const isIn = (part: Part | null, query: number, key: number): boolean =>
  !part ||
  (query >= part.query[0] && query < part.query[1] && key >= part.key[0] && key < part.key[1]);

/** What is left of a head's weights in a part of its matrix. */
export function strandOf(strand: Strand, part: Part | null): Strand {
  const { matrix, line } = strand;
  if (!part) return strand;
  const keys = matrix?.sides.keys.length ?? 0;
  const cells = matrix && {
    ...matrix.cells,
    data: (matrix.cells.data as Float32Array).map((weight, i) =>
      isIn(part, Math.floor(i / keys), i % keys) ? weight : 0,
    ),
  };
  const weights = line?.weights.map((weight, other) => {
    const { direction, index } = line;
    return (direction === "from" ? isIn(part, index, other) : isIn(part, other, index))
      ? weight
      : 0;
  });
  return {
    ...strand,
    matrix: matrix && cells && { ...matrix, cells },
    line: line && weights ? { ...line, weights } : null,
  };
}
