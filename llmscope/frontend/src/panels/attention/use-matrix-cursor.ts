import { type ReadonlySignal, useSignal } from "@preact/signals";
import { sameMatrix } from "../../protocol/keys";
import { type Cell, type Line, type Matrix, lineIn } from "../../store/attention/types";
import type { Store } from "../../store/store";
import { strongest } from "../../ui/strongest";

export interface MatrixCursor {
  /** Whether the matrix is of the text on screen. */
  isCurrent: boolean;
  /** The cell under the mouse or the arrow keys. */
  cursor: Cell | null;
  /** The cell that was clicked. */
  pinned: Cell | null;
  /** The first of these two. */
  at: Cell | null;
  /** The token in focus, on the side of the queries ("from") or of the keys; -1 without one. */
  focus: number;
  isFrom: boolean;
  /** The true weights of the row or column that is read out. */
  line: Line | null;
  /** The cell that is read out. */
  query: number;
  key: number;
  point(cell: Cell | null): void;
  press(cell: Cell): void;
}

/** The cell of a matrix that is pointed at, and the weights that are read out for it. */
export function useMatrixCursor(store: Store, matrix: Matrix): MatrixCursor {
  const pointed = useSignal<(Cell & { matrix: Matrix }) | null>(null);
  const read = useSignal<Line | null>(null);
  const { attention, state } = store;
  const isCurrent = matrix.trace === attention.trace.value && matrix.kind === attention.kind.value;
  const isFrom = state.direction.value === "from";
  const cursor = pointed.value?.matrix.trace === matrix.trace ? pointed.value : null;
  const pinned = isCurrent ? attention.cell.value : null;
  const focus = isCurrent ? attention.pinned.value : -1;
  const at = cursor ?? pinned;
  const line = isCurrent ? lineOf(matrix, at, isFrom, focus, [read, attention.line]) : null;
  const best = () => (line ? strongest(line.weights) : -1);
  const isOnText = matrix.sides.keys === matrix.trace.tokens;
  const hovered = isCurrent && isFrom && isOnText ? store.hovered.value : null;
  return {
    isCurrent,
    cursor,
    pinned,
    at,
    focus,
    isFrom,
    line,
    query: at?.query ?? (isFrom ? focus : best()),
    key: at?.key ?? (isFrom ? (hovered ?? best()) : focus),
    point(cell) {
      pointed.value = cell && { ...cell, matrix };
      store.hovered.value = cell && isFrom && isOnText ? cell.key : null;
      if (!cell || !isCurrent || matrix.level === 0) return;
      attention
        .lineOf(matrix.name, "from", cell.query)
        .then((found) => (read.value = found))
        .catch(() => (read.value = null));
    },
    press(cell) {
      const again = pinned?.query === cell.query && pinned.key === cell.key;
      if (again) attention.pin("from", -1);
      else attention.pinCell(cell);
    },
  };
}

/** The true weights of the query that is pointed at, or of the token in focus. */
function lineOf(
  matrix: Matrix,
  at: Cell | null,
  isFrom: boolean,
  focus: number,
  lines: [read: ReadonlySignal<Line | null>, focus: ReadonlySignal<Line | null>],
): Line | null {
  if (matrix.level === 0) return lineIn(matrix, at || isFrom ? "from" : "to", at?.query ?? focus);
  const fits = (line: Line | null): line is Line =>
    line !== null &&
    line.trace === matrix.trace &&
    line.kind === matrix.kind &&
    sameMatrix(line.name, matrix.name) &&
    (!at ||
      (line.direction === "from" && line.index === at.query) ||
      (line.direction === "to" && line.index === at.key));
  const [read, ofFocus] = lines.map(({ value }) => value);
  if (at && fits(read!)) return read!;
  return fits(ofFocus!) ? ofFocus! : null;
}
