import { useContext, useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import { ThemeContext } from "../../host/colors";
import type { Cell, Matrix as Shown } from "../../store/attention/types";
import type { Store } from "../../store/store";
import { useScale } from "../../ui/em";
import { type Press, onKeys } from "../../ui/keys";
import { clamp } from "../../ui/scale";
import type { Size } from "../../ui/use-size";
import { useZoom } from "../../ui/use-zoom";
import { attention } from "#words/attention";
import { type Axis, KeyLabels, QueryLabels, inSight } from "./labels";
import { paintOf } from "./paint";
import { paintMatrix } from "./paint-matrix";
import { Readout } from "./readout";
import { partOf } from "./segments";
import { useMatrixCursor } from "./use-matrix-cursor";

const words = attention.matrix;
const LARGEST = 48; // pixels a cell, when zoomed in all the way

interface MatrixProps {
  store: Store;
  matrix: Shown;
  room: Size;
}

/** A matrix: a row for each query, a column for each key. */
export function Matrix({ store, matrix, room }: MatrixProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const cells = useRef<HTMLDivElement>(null);
  const theme = useContext(ThemeContext).value;
  const { at, cursor, pinned, focus, isFrom, line, query, key, point, press } = useMatrixCursor(
    store,
    matrix,
  );
  const { attention, state } = store;
  const scale = useScale();
  const { queries, keys } = matrix.sides;
  const causal = matrix.kind === "self" && seesOnlyBack(store);

  const left = 92 * scale;
  const top = 66 * scale;
  // A cell is no larger than a hand needs, so that a short text is no poster.
  const right = 28 * scale; // at least, for the last label
  const { width } = room;
  // Half a label of the last row is below it.
  const most = Math.min(width - left - right, room.height - top - 7 * scale, 560 * scale);
  const longest = Math.max(queries.length, keys.length);
  const size = Math.max(120, Math.min(most, longest * 64 * scale)) / longest;
  const [across, down] = [size * keys.length, size * queries.length];
  const zoom = useZoom(cells, across, down, Math.max(1, (LARGEST * scale) / size));
  const { k, x, y } = zoom.transform.value;
  const rows: Axis = { tokens: queries, size: size * k, start: y, room: down };
  const columns: Axis = { tokens: keys, size: size * k, start: x, room: across };

  const paint = paintOf(store, matrix, theme);
  const tiles = attention.tiles.value;
  const segments = state.segments.value;
  const part = partOf(matrix, segments);
  useLayoutEffect(() => {
    paintMatrix(canvas.current!, {
      matrix,
      tiles,
      rows,
      columns,
      paint,
      causal,
      part,
      theme,
      scale,
    });
  }, [matrix, tiles, JSON.stringify(paint), theme, scale, causal, segments, size, k, x, y]);
  useEffect(() => {
    const pixels = Math.max(across, down) * (window.devicePixelRatio || 1);
    attention.look({ query: inSight(rows), key: inSight(columns), pixels });
  }, [matrix, size, k, x, y]);
  useEffect(() => zoom.reset(), [matrix.trace.text, matrix.trace.written]);

  const cellAt = (event: MouseEvent): Cell => {
    const bounds = cells.current!.getBoundingClientRect();
    const index = ({ start, size: step, tokens }: Axis, place: number) =>
      clamp(Math.floor((place - start) / step), 0, tokens.length - 1);
    return {
      query: index(rows, event.clientY - bounds.top),
      key: index(columns, event.clientX - bounds.left),
    };
  };
  const here = at ?? { query: Math.max(0, query), key: Math.max(0, key) };
  const placeOf = ({ query, key }: Cell) => ({
    left: px(columns.start + key * columns.size),
    top: px(rows.start + query * rows.size),
    width: px(columns.size),
    height: px(rows.size),
  });
  const middle: [number, number] = [
    columns.start + (here.key + 0.5) * columns.size,
    rows.start + (here.query + 0.5) * rows.size,
  ];
  const keysDown = onKeys("matrix", {
    move({ down, right }) {
      const to = {
        query: clamp(here.query + down, 0, queries.length - 1),
        key: clamp(here.key + right, 0, keys.length - 1),
      };
      point(to);
      zoom.pan(shift(columns, to.key) / k, shift(rows, to.query) / k);
    },
    pan: ({ down, right }) => zoom.pan((-right * 60) / k, (-down * 60) / k),
    pin: own(() => press(here)),
    closer: own(() => zoom.by(1.5, middle)),
    farther: own(() => zoom.by(1 / 1.5, middle)),
    all: own(() => zoom.reset()),
  });

  return (
    <>
      <div
        class="plot"
        role="application"
        tabIndex={0}
        aria-label={words.label}
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
          {pinned && <div class="rule cell" style={placeOf(pinned)} />}
          {store.pointed.value
            .filter(({ kind }) => kind === "cell")
            .map(({ at: [query, key] }) => (
              <div
                key={`${query}-${key}`}
                class={`rule at-${query}-${key}`}
                style={placeOf({ query: Number(query), key: Number(key) })}
              />
            ))}
        </div>
        {k > 1 && (
          <button type="button" class="reset" onClick={zoom.reset}>
            {words.showAll}
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

/** What a key does when no button within the matrix has the focus. */
const own =
  (act: () => void) =>
  ({ event }: Press) =>
    event.target === event.currentTarget ? act() : false;

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
