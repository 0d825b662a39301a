import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import type { LensCell } from "../../store/lens";
import type { Store } from "../../store/store";
import { Em } from "../../ui/em";
import { onKeys } from "../../ui/keys";
import { Label } from "../../ui/label";
import { clamp } from "../../ui/scale";
import { useWidth } from "../../ui/use-width";
import { lens as words } from "#words/lens";
import { SHADES } from "./measures";

const [ACROSS, DOWN, LEFT, TOP] = [5.4, 1.75, 3.6, 2.1]; // of a cell and of the heads, in ems

/** Layers by positions, the last layer on top; only columns in sight are drawn. */
export function Table({ store }: { store: Store }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const { lens, state } = store;
  const em = useContext(Em).value;
  const rows = lens.rows.value;
  const tokens = lens.tokens.value;
  const [focus, position] = lens.focus.value;
  const columns = useSignal<LensCell>([0, 0]); // a widget may be shown twice
  const [first, end] = columns.value;
  const bits = Math.log2(store.model.value!.vocabulary);
  const shade = SHADES[state.lens.value];
  /** What a cell says, how dark it is, and whether edits make it say something else. */
  const read = (cell: LensCell): [label: string, shade: number, parted: boolean] | null => {
    if (lens.isDifference) {
      const found = lens.readDifference(cell);
      return found && [found.edited.label, Math.sqrt(found.divergence), found.parted];
    }
    const found = lens.read(cell);
    return found && [found.top[0]!.label, shade(found, bits), false];
  };

  const look = () => {
    const { scrollLeft, clientWidth } = box.current!;
    if (clientWidth === 0) return; // hidden
    const from = Math.floor(scrollLeft / (ACROSS * em));
    const until = Math.min(tokens.length, from + Math.ceil(clientWidth / (ACROSS * em)) + 1);
    if (from !== first || until !== end) columns.value = [from, until];
    lens.inSight.value = [from, until];
  };
  useEffect(look, [width, em, tokens]);
  useEffect(() => {
    const element = box.current!;
    if (element.clientWidth === 0) return;
    const [x, y] = [position * ACROSS * em, (rows - 1 - focus) * DOWN * em];
    const [right, bottom] = [x + (LEFT + ACROSS) * em, y + (TOP + DOWN) * em];
    // Its first column in sight is whole.
    const step = ACROSS * em;
    element.scrollLeft = Math.ceil(clamp(element.scrollLeft, right - width, x) / step) * step;
    element.scrollTop = clamp(element.scrollTop, bottom - element.clientHeight, y);
  }, [focus, position, width, em, rows]);

  const cellAt = ({ target }: Event): LensCell | null => {
    const cell = (target as Element).closest<HTMLTableCellElement>("td:not(.gap)");
    const row = cell?.parentElement as HTMLTableRowElement | undefined;
    return cell && [rows - row!.rowIndex, first + cell.cellIndex - 2];
  };
  const keysDown = onKeys("lens", {
    move({ down, right }) {
      lens.hovered.value = null;
      lens.pick([clamp(focus - down, 0, rows - 1), clamp(position + right, 0, tokens.length - 1)]);
    },
  });
  const room = width - LEFT * em;
  // Where it scrolls, as much as it takes for the last column to end where the box does.
  const spare = tokens.length * ACROSS * em > room ? room % (ACROSS * em) : 0;
  const row = (head: ComponentChildren, cell: (position: number) => ComponentChildren) => (
    <tr>
      <th>{head}</th>
      <td class="gap" style={{ width: px(first * ACROSS * em) }} />
      {Array.from({ length: end - first }, (_, step) => cell(first + step))}
      <td class="gap" />
    </tr>
  );
  return (
    <div
      ref={box}
      class="lens-table"
      role="application"
      tabIndex={0}
      aria-label={words.table}
      onScroll={look}
      onKeyDown={keysDown}
      onPointerOver={(event) => (lens.hovered.value = cellAt(event))}
      onPointerLeave={() => (lens.hovered.value = null)}
      onClick={(event) => {
        const cell = cellAt(event);
        if (cell) lens.pick(cell);
      }}
    >
      <table class="figures" style={{ width: px((LEFT + tokens.length * ACROSS) * em + spare) }}>
        <thead>
          {row(words.layer, (at) => (
            <th key={at}>
              <Label text={tokens[at]?.label ?? ""} />
            </th>
          ))}
        </thead>
        <tbody>
          {Array.from({ length: rows }, (_, down) => rows - 1 - down).map((number) =>
            row(number ? number - 1 : words.embeddings, (at) => {
              const [label, opaque, parted] = read([number, at]) ?? [];
              const isHere = number === focus && at === position;
              return (
                <td
                  key={at}
                  class={[isHere && "focus", parted && "parted"].filter(Boolean).join(" ")}
                  style={{ "--shade": clamp(opaque ?? 0, 0, 1).toFixed(3) }}
                >
                  {label !== undefined && <Label text={label} />}
                </td>
              );
            }),
          )}
        </tbody>
      </table>
    </div>
  );
}
