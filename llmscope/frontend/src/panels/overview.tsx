import { useContext, useLayoutEffect, useRef } from "preact/hooks";
import type { PanelProps } from "../app";
import { prepare, px, useWidth } from "../draw/canvas";
import { heatmap, stamp } from "../draw/heatmap";
import type { TraceAnswer } from "../store/answers";
import type { HeadName } from "../store/state";
import { hasHead } from "../store/store";
import { INK, ThemeContext } from "../theme";

const GUTTER = 30; // for the layer numbers
const TOP = 20; // for the head numbers
const BETWEEN = 1;
const GROUPS = 5; // between groups of heads that share keys and values

interface Grid {
  size: number;
  width: number;
  height: number;
  x: (head: number) => number;
  y: (row: number) => number;
}

function gridOf(trace: TraceAnswer, width: number, scale: number): Grid {
  const heads = Math.max(1, ...trace.layers.map(([, count]) => count));
  const kv = Math.max(1, ...trace.layers.map(([, , count]) => count));
  const share = kv > 1 && kv < heads ? heads / kv : heads;
  const groups = Math.ceil(heads / share) - 1;
  const [gutter, top] = [GUTTER * scale, TOP * scale];
  const room = (width - gutter - groups * GROUPS) / heads - BETWEEN;
  const size = Math.floor(Math.min(28 * scale, Math.max(10, room)));
  const x = (head: number) => gutter + head * (size + BETWEEN) + Math.floor(head / share) * GROUPS;
  const y = (row: number) => top + row * (size + BETWEEN);
  return { size, x, y, width: x(heads - 1) + size + 2, height: y(trace.layers.length) + 2 };
}

/** Every head of every layer at a glance. */
export function Overview({ store }: PanelProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useContext(ThemeContext).value;
  const width = useWidth(box);
  const scale = store.state.lecture.value ? 1.6 : 1;
  const trace = store.trace.value;
  const thumbnails = store.thumbnails.value;
  const grid = trace && trace.layers.length > 0 && width > 0 ? gridOf(trace, width, scale) : null;

  useLayoutEffect(() => {
    if (!grid || !trace || !canvas.current) return;
    const context = prepare(canvas.current, grid.width, grid.height);
    trace.layers.forEach(([layer, heads], row) => {
      const thumbnail = thumbnails.get(layer);
      for (let head = 0; head < heads; head++) {
        const [x, y] = [grid.x(head), grid.y(row)];
        context.globalAlpha = 1;
        context.fillStyle = theme === "dark" ? "rgb(255 255 255 / 9%)" : "rgb(59 63 182 / 5%)";
        context.fillRect(x, y, grid.size, grid.size);
        if (!thumbnail || head >= thumbnail.shades.shape[0]!) continue;
        // Pictures of the text before stay, pale, until those of the new one are there.
        context.globalAlpha = thumbnail.trace === trace ? 1 : 0.35;
        const [, rows, keys] = thumbnail.shades.shape as [number, number, number];
        const picture = heatmap(thumbnail.shades, INK[theme].attention, 0, head * rows * keys);
        stamp(context, picture, x, y, grid.size, grid.size);
      }
    });
  }, [trace, thumbnails, theme, grid?.size, grid?.width, grid?.height]);

  const at = (event: PointerEvent | MouseEvent): HeadName | null => {
    if (!grid || !trace || !canvas.current) return null;
    const bounds = canvas.current.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    const row = Math.floor((y - grid.y(0)) / (grid.size + BETWEEN));
    const entry = trace.layers[row];
    if (!entry) return null;
    for (let head = 0; head < entry[1]; head++) {
      if (x >= grid.x(head) && x <= grid.x(head) + grid.size) return { layer: entry[0], head };
    }
    return null;
  };
  const walk = (event: KeyboardEvent) => {
    if (!trace) return;
    const { layer, head } = store.state;
    const row = trace.layers.findIndex(([number]) => number === layer.value);
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[
      event.key
    ];
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      store.lock({ layer: layer.value, head: head.value });
    }
    if (!step) return;
    event.preventDefault();
    const entry = trace.layers[row + step[0]!] ?? trace.layers[Math.max(0, row)]!;
    layer.value = entry[0];
    head.value = Math.min(Math.max(head.value + step[1]!, 0), entry[1] - 1);
  };

  const focus = { layer: store.state.layer.value, head: store.state.head.value };
  const preview = store.preview.value;
  const locked = store.locked.value;
  return (
    <section class="panel overview" aria-label="All heads">
      <h3>
        All heads <small>{locked ? "Esc unlocks" : "click to lock"}</small>
      </h3>
      <div ref={box} class="scroll">
        {trace && trace.layers.length === 0 && (
          <p class="muted">This model has no attention to show.</p>
        )}
        {grid && trace && (
          <div
            class="grid"
            role="application"
            tabIndex={0}
            aria-label={`Heads by layer. Layer ${focus.layer}, head ${focus.head}. Arrow keys walk, Enter locks.`}
            style={{ width: px(grid.width), height: px(grid.height) }}
            onKeyDown={walk}
            onPointerMove={(event) => (store.preview.value = at(event))}
            onPointerLeave={() => (store.preview.value = null)}
            onClick={(event) => {
              const found = at(event);
              if (found) store.lock(found);
            }}
          >
            <canvas ref={canvas} />
            <Numbers grid={grid} trace={trace} focus={preview ?? focus} scale={scale} />
            <Frame grid={grid} trace={trace} at={focus} kind={locked ? "locked" : "focus"} />
            <Frame grid={grid} trace={trace} at={preview} kind="preview" />
          </div>
        )}
      </div>
      {trace && trace.queries > 1024 && (
        <p class="note">Drawn from 1,024 evenly spaced query tokens.</p>
      )}
    </section>
  );
}

interface NumbersProps {
  grid: Grid;
  trace: TraceAnswer;
  focus: HeadName;
  scale: number;
}

function Numbers({ grid, trace, focus, scale }: NumbersProps) {
  const step = grid.size < 17 * scale ? 5 : 1;
  const heads = Math.max(...trace.layers.map(([, count]) => count));
  const middle = grid.size / 2;
  return (
    <svg class="numbers" width={grid.width} height={grid.height} aria-hidden="true">
      {Array.from({ length: heads }, (_, head) => head)
        .filter((head) => head % step === 0 || head === focus.head)
        .map((head) => (
          <text
            key={`h${head}`}
            x={grid.x(head) + middle}
            y={grid.y(0) - 6 * scale}
            text-anchor="middle"
            class={head === focus.head ? "here" : ""}
          >
            {head}
          </text>
        ))}
      {trace.layers.map(([layer], row) => {
        const near =
          trace.layers[row - 1]?.[0] === focus.layer || trace.layers[row + 1]?.[0] === focus.layer;
        const tight = grid.size < 16 * scale && near;
        if (layer !== focus.layer && (layer % 5 !== 0 || tight)) return null;
        return (
          <text
            key={`l${layer}`}
            x={grid.x(0) - 8}
            y={grid.y(row) + middle}
            text-anchor="end"
            dominant-baseline="central"
            class={layer === focus.layer ? "here" : ""}
          >
            {layer}
          </text>
        );
      })}
    </svg>
  );
}

interface FrameProps {
  grid: Grid;
  trace: TraceAnswer;
  at: HeadName | null;
  kind: string;
}

function Frame({ grid, trace, at, kind }: FrameProps) {
  if (!at || !hasHead(trace, at.layer, at.head)) return null;
  const row = trace.layers.findIndex(([layer]) => layer === at.layer);
  const size = px(grid.size);
  const style = { left: px(grid.x(at.head)), top: px(grid.y(row)), width: size, height: size };
  return <div class={`frame ${kind}`} style={style} />;
}
