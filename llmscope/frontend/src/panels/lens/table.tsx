import { useEffect, useRef } from "preact/hooks";
import { px, useWidth } from "../../draw/canvas";
import type { LensCell } from "../../store/lens";
import type { Store } from "../../store/store";
import { Label } from "../label";
import { MEASURES } from "./measures";

const [ACROSS, DOWN, LEFT, TOP] = [5.8, 1.75, 3.4, 2.1]; // of a cell and of the heads, in ems

const STEPS: Record<string, [up: number, right: number]> = {
  ArrowUp: [1, 0],
  ArrowDown: [-1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
};

/** Layers by positions, the last layer on top; only columns in sight are drawn. */
export function Table({ store }: { store: Store }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const { lens, state } = store;
  const em = state.lecture.value ? 22 : 14;
  const rows = lens.rows.value;
  const tokens = lens.tokens.value;
  const focus = lens.focus.value;
  const [first, end] = lens.inSight.value;
  const bits = Math.log2(store.model.value!.vocabulary);
  const { shade } = MEASURES[state.lens.value];

  const look = () => {
    const from = Math.floor(box.current!.scrollLeft / (ACROSS * em));
    const until = Math.min(tokens.length, from + Math.ceil(width / (ACROSS * em)) + 1);
    if (from !== first || until !== end) lens.inSight.value = [from, until];
  };
  useEffect(look, [width, em, tokens]);
  useEffect(() => () => void (lens.inSight.value = [0, 0]), []);
  useEffect(() => {
    const element = box.current!;
    const near = (scrolled: number, at: number, size: number, room: number) =>
      Math.min(at * em, Math.max(scrolled, (at + size) * em - room));
    const [x, y] = [focus.position * ACROSS, (rows - 1 - focus.row) * DOWN];
    element.scrollLeft = near(element.scrollLeft, x, LEFT + ACROSS, width);
    element.scrollTop = near(element.scrollTop, y, TOP + DOWN, element.clientHeight);
  }, [focus, width, em, rows]);

  const cellAt = ({ target }: Event): LensCell | null => {
    const cell = (target as Element).closest<HTMLTableCellElement>("tbody td:not(.gap)");
    const down = (cell?.parentElement as HTMLTableRowElement | undefined)?.rowIndex ?? 0;
    return cell && { row: rows - down, position: first + cell.cellIndex - 2 };
  };
  const keysDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const within = (place: number, count: number) => Math.max(0, Math.min(count - 1, place));
    lens.hovered.value = null;
    lens.pick({
      row: within(focus.row + step[0], rows),
      position: within(focus.position + step[1], tokens.length),
    });
  };
  const row = (head: string | number, cells: (position: number) => preact.JSX.Element) => (
    <tr>
      <th>{head}</th>
      <td class="gap" style={{ width: px(first * ACROSS * em) }} />
      {Array.from({ length: end - first }, (_, step) => cells(first + step))}
      <td class="gap" />
    </tr>
  );
  return (
    <div
      ref={box}
      class="lens-table"
      role="application"
      tabIndex={0}
      aria-label="Layers by tokens. Arrow keys, Home and End move the focus."
      onScroll={look}
      onKeyDown={keysDown}
      onPointerOver={(event) => (lens.hovered.value = cellAt(event))}
      onPointerLeave={() => (lens.hovered.value = null)}
      onClick={(event) => {
        const cell = cellAt(event);
        if (cell) lens.pick(cell);
      }}
    >
      <table class="figures" style={{ width: px((LEFT + tokens.length * ACROSS) * em) }}>
        <thead>
          {row("layer", (position) => (
            <th key={position} class={position === focus.position ? "marked" : ""}>
              <Label text={tokens[position]?.[1] ?? ""} />
            </th>
          ))}
        </thead>
        <tbody>
          {Array.from({ length: rows }, (_, down) => rows - 1 - down).map((number) =>
            row(number ? number - 1 : "emb.", (position) => {
              const reading = lens.read({ row: number, position });
              const isFocus = number === focus.row && position === focus.position;
              return (
                <td
                  key={position}
                  class={isFocus ? "focus" : ""}
                  style={{ "--shade": reading ? shade(reading, bits).toFixed(3) : 0 }}
                >
                  {reading && <Label text={reading.top[0]!.label} />}
                </td>
              );
            }),
          )}
        </tbody>
      </table>
    </div>
  );
}
