import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useContext, useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import type { LensCell } from "../../store/lens";
import type { Store } from "../../store/store";
import { Em, useScale } from "../../ui/em";
import { onKeys } from "../../ui/keys";
import { Label } from "../../ui/label";
import { onPaper } from "../../ui/paper";
import { clamp } from "../../ui/scale";
import { useSize } from "../../ui/use-size";
import { lens as words } from "#words/lens";
import { fill } from "../../words/fill";
import { type Fold, folds } from "./folds";
import { SHADES } from "./measures";

const [ACROSS, DOWN, LEFT, TOP] = [5.4, 1.75, 3.6, 2.1]; // of a cell and of the heads, in ems
const [LOW, HIGH] = [1.5, 2.2]; // a cell on a stage
const MOST = 64; // tokens on paper
const BESIDE = 16; // of them beside each other, at most

interface TableProps {
  store: Store;
  /** How many layers share a row, which it says. */
  together: Signal<number>;
}

/** Layers by positions, the last layer on top; only columns in sight are drawn. */
export function Table({ store, together }: TableProps) {
  const box = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(box);
  const isStage = useScale() > 1;
  const { lens, state } = store;
  const em = useContext(Em).value;
  const rows = lens.rows.value;
  const tokens = lens.tokens.value;
  const [focus, position] = lens.focus.value;
  const columns = useSignal<LensCell>([0, 0]); // a widget may be shown twice
  const bands = onPaper.value ? bandsOf(tokens.length, position) : [columns.value];
  const [first, end] = [bands[0]![0], bands.at(-1)![1]];
  const bits = Math.log2(store.model.value!.vocabulary);
  const shade = SHADES[state.lens.value];
  // On a stage nothing is out of sight.
  const room = isStage && height > 0 ? height / em - TOP : Infinity;
  const shown = folds(rows, Math.floor(room / LOW), focus);
  const down = isStage ? clamp(room / shown.length, LOW, HIGH) : DOWN;
  const top = shown.findIndex((fold) => fold.shown === focus);
  useLayoutEffect(() => void (together.value = shown[0]!.last - shown[0]!.first + 1));
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
    if (onPaper.value) return void (lens.inSight.value = [first, end]);
    const from = Math.floor(scrollLeft / (ACROSS * em));
    const until = Math.min(tokens.length, from + Math.ceil(clientWidth / (ACROSS * em)) + 1);
    if (from !== first || until !== end) columns.value = [from, until];
    lens.inSight.value = [from, until];
  };
  useEffect(look, [width, em, tokens, onPaper.value]);
  useEffect(() => {
    const element = box.current!;
    if (element.clientWidth === 0) return;
    const [x, y] = [position * ACROSS * em, top * down * em];
    const [right, bottom] = [x + (LEFT + ACROSS) * em, y + (TOP + down) * em];
    // Its first column in sight is whole.
    const step = ACROSS * em;
    element.scrollLeft = Math.ceil(clamp(element.scrollLeft, right - width, x) / step) * step;
    element.scrollTop = clamp(element.scrollTop, bottom - element.clientHeight, y);
  }, [top, position, width, down, em, rows]);

  const cellAt = ({ target }: Event): LensCell | null => {
    const cell = (target as Element).closest<HTMLTableCellElement>("td:not(.gap)");
    const row = cell?.parentElement as HTMLTableRowElement | undefined;
    return cell && [shown[row!.rowIndex - 1]!.shown, first + cell.cellIndex - 2];
  };
  const keysDown = onKeys("lens", {
    move({ down, right }) {
      lens.hovered.value = null;
      lens.pick([clamp(focus - down, 0, rows - 1), clamp(position + right, 0, tokens.length - 1)]);
    },
  });
  const across = width - LEFT * em;
  // Where it scrolls, as much as it takes for the last column to end where the box does.
  const spare = tokens.length * ACROSS * em > across && !onPaper.value ? across % (ACROSS * em) : 0;
  const row = (
    [first, end]: LensCell,
    head: ComponentChildren,
    cell: (position: number) => ComponentChildren,
  ) => (
    <tr>
      {head}
      <td class="gap" style={{ width: px(onPaper.value ? 0 : first * ACROSS * em) }} />
      {Array.from({ length: end - first }, (_, step) => cell(first + step))}
      <td class="gap" />
    </tr>
  );
  const sides = [
    first > 0 && "before",
    first + Math.floor(across / (ACROSS * em)) < tokens.length && "after",
  ].filter((side) => side && !onPaper.value);
  return (
    <div class={`lens-frame ${sides.join(" ")}`}>
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
          const row = (event.target as Element).closest<HTMLTableRowElement>("tr:has(> .fold)");
          if (cell) lens.pick(cell);
          else if (row) lens.pick([below(shown[row.rowIndex - 1]!), position]);
        }}
      >
        {bands.map((band) => {
          const wide = (LEFT + (onPaper.value ? band[1] - band[0] : tokens.length) * ACROSS) * em;
          return (
            <table
              key={band[0]}
              class="figures"
              style={{ "--down": `${down}em`, "--wide": px(wide), width: px(wide + spare) }}
            >
              <thead>
                {row(band, <th>{words.layer}</th>, (at) => (
                  <th key={at}>
                    <Label text={tokens[at]?.label ?? ""} />
                  </th>
                ))}
              </thead>
              <tbody>
                {shown.map((fold) =>
                  row(band, <Layer fold={fold} />, (at) => {
                    const [label, opaque, parted] = read([fold.shown, at]) ?? [];
                    const isHere = fold.shown === focus && at === position;
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
          );
        })}
        {end - first < tokens.length && onPaper.value && (
          <p class="note">
            {fill(words.part, { first: first + 1, last: end, count: tokens.length })}
          </p>
        )}
      </div>
    </div>
  );
}

/** Columns on paper, one band below the other: of a long text those around the focus. */
function bandsOf(count: number, position: number): LensCell[] {
  const shown = Math.min(count, MOST);
  const first = clamp(position - MOST / 2, 0, count - shown);
  const bands = Math.max(1, Math.ceil(shown / BESIDE));
  const start = (band: number) => first + Math.round((shown * band) / bands);
  return Array.from({ length: bands }, (_, band) => [start(band), start(band + 1)]);
}

/** The name of a row; a click on one that layers share shows another of them. */
function Layer({ fold: { first, last, shown } }: { fold: Fold }) {
  if (first === last) return <th>{last ? last - 1 : words.embeddings}</th>;
  return (
    <th class="fold" title={fill(words.fold, { first: first - 1, last: last - 1 })}>
      {shown - 1}
      <i>⋮</i>
    </th>
  );
}

const below = ({ first, last, shown }: Fold): number => (shown > first ? shown - 1 : last);
