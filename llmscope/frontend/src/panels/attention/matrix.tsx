import { useSignal } from "@preact/signals";
import { useContext, useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import { ThemeContext } from "../../host/theme";
import { sameMatrix } from "../../protocol/keys";
import { type Cell, type Line, type Matrix as Shown, lineIn } from "../../store/attention/types";
import type { Store } from "../../store/store";
import { useZoom } from "../../ui/use-zoom";
import { type Axis, KeyLabels, QueryLabels, inSight } from "./labels";
import { paintOf } from "./paint";
import { paintMatrix } from "./paint-matrix";
import { Readout, strongest } from "./readout";
import { partOf } from "./segments";

const LARGEST = 48; // pixels a cell, when zoomed in all the way

interface MatrixProps {
  store: Store;
  matrix: Shown;
  width: number;
}

/** A matrix: a row for each query, a column for each key. */
export function Matrix({ store, matrix, width }: MatrixProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const cells = useRef<HTMLDivElement>(null);
  const theme = useContext(ThemeContext).value;
  const pointed = useSignal<(Cell & { matrix: Shown }) | null>(null);
  const read = useSignal<Line | null>(null);
  const { attention, state } = store;
  const scale = state.lecture.value ? 1.6 : 1;
  const { queries, keys } = matrix.sides;
  const isCurrent = matrix.trace === store.trace.value && matrix.kind === attention.kind.value;
  const causal = matrix.kind === "self" && seesOnlyBack(store);

  const left = 92 * scale;
  const top = 66 * scale;
  // A cell is no larger than a hand needs, so that a short text is no poster.
  const right = 28 * scale; // at least, for the last label
  const most = Math.min(width - left - right, 560 * scale);
  const longest = Math.max(queries.length, keys.length);
  const size = Math.max(120, Math.min(most, longest * 64 * scale)) / longest;
  const [across, down] = [size * keys.length, size * queries.length];
  const zoom = useZoom(cells, across, down, Math.max(1, (LARGEST * scale) / size));
  const { k, x, y } = zoom.transform.value;
  const rows: Axis = { tokens: queries, size: size * k, start: y, room: down };
  const columns: Axis = { tokens: keys, size: size * k, start: x, room: across };

  const cursor = pointed.value?.matrix.trace === matrix.trace ? pointed.value : null;
  const pinned = isCurrent ? attention.cell.value : null;
  const focus = isCurrent ? attention.pinned.value : -1;
  const isFrom = state.direction.value === "from";
  const at = cursor ?? pinned;
  const line = !isCurrent
    ? null
    : matrix.level === 0
      ? lineIn(matrix, at || isFrom ? "from" : "to", at?.query ?? focus)
      : lineAt(matrix, at, [read.value, attention.line.value]);
  const query = at?.query ?? (isFrom ? focus : line ? strongest(line.weights) : -1);
  const isOnText = keys === matrix.trace.tokens;
  const hovered = isCurrent && isFrom && isOnText ? store.hovered.value : null;
  const key = at?.key ?? (isFrom ? (hovered ?? (line ? strongest(line.weights) : -1)) : focus);

  const paint = paintOf(store, matrix, theme);
  const tiles = attention.tiles.value;
  const segments = state.segments.value;
  const part = partOf(matrix, segments);
  useLayoutEffect(() => {
    paintMatrix(canvas.current!, { matrix, tiles, rows, columns, paint, causal, part, theme });
  }, [matrix, tiles, JSON.stringify(paint), theme, causal, segments, size, k, x, y]);
  useEffect(() => {
    const pixels = Math.max(across, down) * (window.devicePixelRatio || 1);
    attention.look({ query: inSight(rows), key: inSight(columns), pixels });
  }, [matrix, size, k, x, y]);
  useEffect(() => zoom.reset(), [matrix.trace]);

  const point = (cell: Cell | null) => {
    pointed.value = cell && { ...cell, matrix };
    store.hovered.value = cell && isFrom && isOnText ? cell.key : null;
    if (!cell || !isCurrent || matrix.level === 0) return;
    attention
      .lineOf(matrix.name, "from", cell.query)
      .then((found) => (read.value = found))
      .catch(() => (read.value = null));
  };
  const cellAt = (event: MouseEvent): Cell => {
    const bounds = cells.current!.getBoundingClientRect();
    const index = ({ start, size: step, tokens }: Axis, place: number) =>
      Math.min(tokens.length - 1, Math.max(0, Math.floor((place - start) / step)));
    return {
      query: index(rows, event.clientY - bounds.top),
      key: index(columns, event.clientX - bounds.left),
    };
  };
  const press = (cell: Cell) => {
    const again = pinned?.query === cell.query && pinned.key === cell.key;
    if (again) attention.pin("from", -1);
    else attention.pinCell(cell);
  };
  const keysDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    const here = at ?? { query: Math.max(0, query), key: Math.max(0, key) };
    const middle: [number, number] = [
      columns.start + (here.key + 0.5) * columns.size,
      rows.start + (here.query + 0.5) * rows.size,
    ];
    if (step && event.shiftKey) zoom.pan((-step[1] * 60) / k, (-step[0] * 60) / k);
    else if (step) {
      const to = {
        query: Math.min(queries.length - 1, Math.max(0, here.query + step[0])),
        key: Math.min(keys.length - 1, Math.max(0, here.key + step[1])),
      };
      point(to);
      zoom.pan(shift(columns, to.key) / k, shift(rows, to.query) / k);
    } else if (event.target !== event.currentTarget) return;
    else if (event.key === "Enter" || event.key === " ") press(here);
    else if (event.key === "+" || event.key === "=") zoom.by(1.5, middle);
    else if (event.key === "-") zoom.by(1 / 1.5, middle);
    else if (event.key === "0") zoom.reset();
    else return;
    event.preventDefault();
  };

  return (
    <>
      <div
        class="plot"
        role="application"
        tabIndex={0}
        aria-label="Attention matrix. Arrow keys move through queries and keys, Enter pins, plus and minus zoom, Shift and arrow keys pan, 0 shows all."
        style={{
          paddingLeft: px(left),
          paddingTop: px(top),
          width: px(left + across + right),
        }}
        onKeyDown={keysDown}
        onBlur={() => point(null)}
      >
        <QueryLabels axis={rows} left={left} top={top} marked={[query, focus]} scale={scale} />
        <KeyLabels
          axis={columns}
          left={left}
          top={top}
          right={Math.max(right, width - left - across)}
          marked={[key]}
          scale={scale}
        />
        <div
          ref={cells}
          class="cells"
          style={{ width: px(across), height: px(down) }}
          onPointerMove={(event) => event.buttons === 0 && point(cellAt(event))}
          onPointerLeave={() => point(null)}
          onClick={(event) => {
            (event.currentTarget.parentElement as HTMLElement).focus({ preventScroll: true });
            press(cellAt(event));
          }}
          onDblClick={zoom.reset}
        >
          <canvas ref={canvas} />
          <Rule
            axis={isFrom ? rows : columns}
            at={focus}
            name={isFrom ? "row" : "column"}
            isPinned
          />
          {at && <Rule axis={rows} at={query} name="row" />}
          {at && <Rule axis={columns} at={key} name="column" />}
          {pinned && (
            <div
              class="rule cell"
              style={{
                left: px(columns.start + pinned.key * columns.size),
                top: px(rows.start + pinned.query * rows.size),
                width: px(columns.size),
                height: px(rows.size),
              }}
            />
          )}
        </div>
        {k > 1 && (
          <button type="button" class="reset" onClick={zoom.reset}>
            Show all
          </button>
        )}
      </div>
      <Readout
        store={store}
        matrix={matrix}
        line={line}
        query={query}
        at={key}
        pinned={pinned !== null && !cursor}
      />
    </>
  );
}

/** Whether the model's own text is read from left to right. */
const seesOnlyBack = ({ model }: Store): boolean =>
  model.value?.family === "causal" || model.value?.family === "encoder-decoder";

export const STEPS: Record<string, [down: number, right: number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** The true weights that the read-out needs: of the query that is pointed at, or of the focus. */
function lineAt(matrix: Shown, at: Cell | null, lines: (Line | null)[]): Line | null {
  const fits = (line: Line | null): line is Line =>
    line !== null &&
    line.trace === matrix.trace &&
    line.kind === matrix.kind &&
    sameMatrix(line.name, matrix.name) &&
    (!at ||
      (line.direction === "from" && line.index === at.query) ||
      (line.direction === "to" && line.index === at.key));
  const [read = null, focus = null] = lines;
  if (at && fits(read)) return read;
  return fits(focus) ? focus : null;
}

/** How far to pan so that a token comes in sight. */
function shift({ start, size, room }: Axis, index: number): number {
  const [first, last] = [start + index * size, start + (index + 1) * size];
  return first < 0 ? -first : last > room ? room - last : 0;
}

interface RuleProps {
  axis: Axis;
  at: number;
  name: "row" | "column";
  isPinned?: boolean;
}

/** Frames a whole row or column. */
function Rule({ axis, at, name, isPinned }: RuleProps) {
  if (at < 0) return null;
  const [place, size] = [px(axis.start + at * axis.size), px(axis.size)];
  const style = name === "row" ? { top: place, height: size } : { left: place, width: size };
  return <div class={`rule ${name} ${isPinned ? "pinned" : ""}`} style={style} />;
}
