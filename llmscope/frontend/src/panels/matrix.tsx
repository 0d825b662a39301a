import { useSignal } from "@preact/signals";
import { useContext, useLayoutEffect, useRef } from "preact/hooks";
import type { PanelProps } from "../app";
import { prepare, px, useWidth } from "../draw/canvas";
import { heatmap, stamp } from "../draw/heatmap";
import { weight } from "../math/format";
import type { Matrix as Shown, Row } from "../store/state";
import type { Store } from "../store/store";
import { INK, ThemeContext } from "../theme";
import { Label, plain } from "./label";
import { KeyLabels, QueryLabels } from "./matrix-labels";

interface Cell {
  query: number;
  key: number;
}

/** One head: who looks at whom. */
export function Matrix({ store }: PanelProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const matrix = store.matrix.value;
  const { layer, head } = matrix ?? store.shown.value;
  const model = store.model.value!;
  // The matrix of the text before stays, pale, until that of the new one is there.
  const isBehind = matrix !== null && matrix.trace !== store.trace.value;
  const group =
    model.kv_heads > 1 && model.kv_heads < model.heads
      ? `KV group ${Math.floor(head / (model.heads / model.kv_heads))}`
      : "";
  return (
    <section class={`panel matrix ${isBehind ? "behind" : ""}`} aria-label="Attention of one head">
      <h3>
        Layer {layer} · Head {head} <small>{group}</small>
      </h3>
      <div ref={box}>
        {matrix && width > 0 ? (
          <Plot store={store} matrix={matrix} width={width} />
        ) : (
          <p class="muted empty">{store.trace.value ? "" : "Nothing to show yet."}</p>
        )}
      </div>
    </section>
  );
}

function Plot({ store, matrix, width }: { store: Store; matrix: Shown; width: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useContext(ThemeContext).value;
  const pointed = useSignal<(Cell & { trace: Shown["trace"] }) | null>(null);
  const read = useSignal<Row | null>(null);
  const scale = store.state.lecture.value ? 1.6 : 1;
  const threshold = store.state.threshold.value;
  const { trace, cells, level } = matrix;
  const count = trace.tokens.length;
  const cursor = pointed.value?.trace === trace ? pointed.value : null;
  const causal = trace.kind === "self" && store.model.value?.family === "causal";

  const left = 92 * scale;
  const top = 66 * scale;
  // A cell is no larger than a hand needs, so that a short text is no poster.
  const side = Math.max(120, Math.min(width - left - 18 * scale, 560 * scale, count * 64 * scale));
  const size = side / count;
  const current = matrix.trace === store.trace.value;
  const focus = current ? store.focus.value : count - 1;
  const hoveredKey = current ? store.hovered.value : null;

  useLayoutEffect(() => {
    const context = prepare(canvas.current!, side, side);
    drawGround(context, side, count, causal, theme === "dark");
    stamp(
      context,
      heatmap(cells, INK[theme].attention, threshold),
      0,
      0,
      spanOf(cells.shape[1]!),
      spanOf(cells.shape[0]!),
    );
    if (size >= 8) drawGaps(context, side, count);
  }, [cells, theme, side, threshold, causal]);

  /** The last block may reach past the end of the text. */
  const spanOf = (blocks: number) => blocks * 2 ** level * size;

  const point = (cell: Cell | null) => {
    pointed.value = cell && { ...cell, trace };
    store.hovered.value = cell?.key ?? null;
    if (!cell) return;
    void store
      .rowOf(matrix, cell.query)
      .then((row) => (read.value = row))
      .catch(() => (read.value = null));
  };
  const at = (event: MouseEvent): Cell => {
    const bounds = canvas.current!.getBoundingClientRect();
    const index = (place: number) => Math.min(count - 1, Math.max(0, Math.floor(place / size)));
    return { query: index(event.clientY - bounds.top), key: index(event.clientX - bounds.left) };
  };
  const walk = (event: KeyboardEvent) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[
      event.key
    ];
    if (!step) return;
    event.preventDefault();
    const from = cursor ?? { query: focus, key: Math.min(focus, strongest(store.row.value)) };
    const inside = (place: number) => Math.min(count - 1, Math.max(0, place));
    const to = { query: inside(from.query + step[0]!), key: inside(from.key + step[1]!) };
    point(to);
    store.pin(to.query);
  };

  const query = cursor?.query ?? focus;
  const row =
    read.value &&
    cursor &&
    read.value.query === query &&
    read.value.trace === trace &&
    read.value.layer === matrix.layer &&
    read.value.head === matrix.head
      ? read.value
      : store.row.value;
  const key = cursor?.key ?? hoveredKey ?? strongest(row);
  return (
    <>
      <div
        class="plot"
        role="application"
        tabIndex={0}
        aria-label="Attention matrix. Arrow keys move through queries and keys."
        style={{ paddingLeft: px(left), paddingTop: px(top), width: px(left + side + 18 * scale) }}
        onKeyDown={walk}
        onBlur={() => point(null)}
      >
        <QueryLabels
          trace={trace}
          size={size}
          left={left}
          top={top}
          focus={query}
          pinned={focus}
          scale={scale}
        />
        <KeyLabels trace={trace} size={size} left={left} top={top} focus={key} scale={scale} />
        <div
          class="cells"
          style={{ width: px(side), height: px(side) }}
          onPointerMove={(event) => point(at(event))}
          onPointerLeave={() => point(null)}
          onClick={(event) => store.pin(at(event).query)}
        >
          <canvas ref={canvas} />
          <div class="rule row" style={{ top: px(focus * size), height: px(Math.max(2, size)) }} />
          {cursor && (
            <div
              class="rule row faint"
              style={{ top: px(query * size), height: px(Math.max(2, size)) }}
            />
          )}
          {hoveredKey !== null && (
            <div
              class="rule column"
              style={{ left: px(key * size), width: px(Math.max(2, size)) }}
            />
          )}
        </div>
      </div>
      <Readout trace={trace} row={row} query={query} at={key} />
      {level > 0 && (
        <p class="note">
          Each point is the greatest of {2 ** level} × {2 ** level} weights. What you read is exact.
        </p>
      )}
    </>
  );
}

interface ReadoutProps {
  trace: Shown["trace"];
  row: Row | null;
  query: number;
  at: number;
}

function Readout({ trace, row, query, at }: ReadoutProps) {
  const fresh = row && row.trace === trace && row.query === query;
  const name = (index: number) => plain(trace.tokens[index]?.[1] ?? "");
  return (
    <p class="readout figures" role="status">
      <b>
        <Label text={name(query)} /> → <Label text={name(at)} />
      </b>{" "}
      <span class="weight">{fresh ? weight(row.weights[at] ?? 0) : "…"}</span>
      {fresh && (
        <span class="muted">
          <span>to the first token {weight(row.weights[0] ?? 0)}</span>
          <span>entropy {entropy(row.weights).toFixed(2)} bits</span>
        </span>
      )}
    </p>
  );
}

function entropy(weights: Float32Array): number {
  let bits = 0;
  for (const share of weights) if (share > 0) bits -= share * Math.log2(share);
  return bits;
}

function strongest(row: Row | null): number {
  if (!row) return 0;
  let best = 0;
  row.weights.forEach((share, index) => {
    if (share > row.weights[best]!) best = index;
  });
  return best;
}

/** The paler ground on which a weight can stand: below the diagonal where nobody sees ahead. */
function drawGround(
  context: CanvasRenderingContext2D,
  side: number,
  count: number,
  causal: boolean,
  dark: boolean,
): void {
  context.fillStyle = dark ? "rgb(255 255 255 / 9%)" : "rgb(59 63 182 / 5%)";
  if (!causal) return context.fillRect(0, 0, side, side);
  const size = side / count;
  context.beginPath();
  context.moveTo(0, 0);
  for (let i = 0; i < count; i++) {
    context.lineTo((i + 1) * size, i * size);
    context.lineTo((i + 1) * size, (i + 1) * size);
  }
  context.lineTo(0, side);
  context.fill();
}

function drawGaps(context: CanvasRenderingContext2D, side: number, count: number): void {
  const size = side / count;
  for (let i = 1; i < count; i++) {
    context.clearRect(i * size - 0.5, 0, 1, side);
    context.clearRect(0, i * size - 0.5, side, 1);
  }
}
