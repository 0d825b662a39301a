import { px } from "../../draw/canvas";
import type { Side, Store } from "../../store/store";
import { onKeys } from "../../ui/keys";
import { clamp } from "../../ui/scale";

/** Arrow keys move from token to token. */
export const keysOf = (store: Store, side: Side, length: number) =>
  onKeys("chain", {
    move({ right }) {
      if (right === 0) return false;
      const to = clampedFocus(store, side, length) + right;
      return pinColumn(store, side, clamp(to, 0, length - 1));
    },
  });

/** Pins the token of a column: of two texts, that of a row. */
export function pinColumn(store: Store, side: Side, index: number): void {
  const { comparing } = store;
  if (comparing?.isDifference.peek()) comparing.pinBeat(index);
  else store.pin(index, side);
}

/** The column of the token in focus of a side; without one, the last. */
export function clampedFocus(store: Store, side: Side, length: number): number {
  const { comparing } = store;
  const isOfRows = comparing?.isDifference.value;
  const here = isOfRows ? comparing!.beatOf(store.focus.value, "a") : store.here(side);
  return here < 0 ? length - 1 : Math.min(here, length - 1);
}

/** Scrolls so that a column is in sight, and the first one is whole: half a number is another number. */
export function reveal(element: HTMLElement, box: HTMLElement): void {
  const [names, ...columns] = [...box.children] as HTMLElement[];
  const start = (column: HTMLElement) => column.offsetLeft - names!.offsetWidth;
  const end = element.offsetLeft + element.offsetWidth - box.clientWidth;
  const last = columns.at(-1)!;
  const spare = last.offsetLeft + last.offsetWidth - box.clientWidth;
  const to =
    end > box.scrollLeft
      ? start(columns.find((column) => start(column) >= end) ?? element)
      : Math.min(box.scrollLeft, start(element));
  last.style.marginRight = px(to > 0 ? Math.max(0, to - spare) : 0);
  box.scrollLeft = to;
}
