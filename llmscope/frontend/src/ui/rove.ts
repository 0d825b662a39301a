import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { onKeys } from "./keys";

/**
 * Moves the focus among buttons that say where they are by `data-cell="row.column"`.
 *
 * @returns whether an arrow key was for them
 */
export function rove(box: HTMLElement, event: KeyboardEvent, down: number, right: number): boolean {
  const from = (event.composedPath()[0] as HTMLElement).dataset.cell;
  if (!from) return false;
  const placeOf = (cell: string) => cell.split(".").map(Number) as [number, number];
  const all = [...box.querySelectorAll<HTMLElement>("[data-cell]")];
  const places = all.map(({ dataset }) => placeOf(dataset.cell!));
  const [last, widest] = [0, 1].map((way) => Math.max(...places.map((place) => place[way]!)));
  let [row, column] = placeOf(from);
  for (;;) {
    [row, column] = [row + down, column + right];
    if (row < 0 || column < 0 || row > last! || column > widest!) return true;
    const found = all.find(({ dataset }) => dataset.cell === `${row}.${column}`);
    if (found) {
      found.focus();
      return true;
    }
  }
}

/** Rows of like buttons, of which the Tab key finds one in each column: arrow keys find the others. */
export function useRows(count: number) {
  const box = useRef<HTMLOListElement>(null);
  const now = useSignal(0);
  const stop = Math.min(now.value, count - 1);
  return {
    /** Of the list. */
    list: {
      ref: box,
      onKeyDown: onKeys("rows", {
        move: ({ down, right, event }) => rove(box.current!, event, down, right),
      }),
      onFocusCapture: ({ target }: FocusEvent) => {
        const { cell } = (target as HTMLElement).dataset;
        if (cell) now.value = parseInt(cell);
      },
    },
    /** Of a button in it. */
    cell: (row: number, column: number) => ({
      "data-cell": `${row}.${column}`,
      tabIndex: row === stop ? 0 : -1,
    }),
  };
}

export type Cell = ReturnType<typeof useRows>["cell"];
