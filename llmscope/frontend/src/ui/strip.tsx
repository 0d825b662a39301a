import type { ReadonlySignal, Signal } from "@preact/signals";
import { useContext, useLayoutEffect, useRef } from "preact/hooks";
import { prepare, px } from "../draw/canvas";
import { type Ink, rgb } from "../draw/color-scale";
import { INK, ThemeContext } from "../host/colors";
import { clamp } from "./scale";
import { useSize } from "./use-size";

interface StripProps {
  /** What the vector is, for those who can't see it. */
  label: string;
  vector: ArrayLike<number>;
  /** The value that is drawn in full colour. */
  most: number;
  /** In pixels; without it the style sheet says how large it is. */
  height?: number;
  /** A part that is framed: first and length. */
  part?: [number, number];
  /** Whether its numbers are below each other. */
  upright?: boolean;
  /** The number under the mouse, in this strip or in others of the same vector. */
  followed?: Signal<number | null>;
}

/** A vector as a strip of cells: above zero in the colour of attention, below zero in grey. */
export function Strip({ label, vector, most, height, part, upright, followed }: StripProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useContext(ThemeContext).value;
  const size = useSize(box);
  const high = height ?? size.height;
  useLayoutEffect(() => {
    if (size.width === 0 || high === 0) return;
    const context = prepare(canvas.current!, size.width, high);
    const { attention, text } = INK[theme];
    const [long, wide] = upright ? [high, size.width] : [size.width, high];
    for (const [from, to, value] of cells(vector, long)) {
      const ink: Ink = value < 0 ? text : attention;
      const share = most > 0 ? Math.min(1, Math.abs(value) / most) : 0;
      context.fillStyle = rgb(ink, (value < 0 ? 0.7 : 1) * share);
      if (upright) context.fillRect(0, from, wide, to - from);
      else context.fillRect(from, 0, to - from, wide);
    }
  }, [vector, most, size.width, high, theme]);
  const tell = ({ clientX, clientY }: PointerEvent) => {
    const { left, top, width, height } = canvas.current!.getBoundingClientRect();
    const along = upright ? (clientY - top) / height : (clientX - left) / width;
    const index = clamp(Math.floor(along * vector.length), 0, vector.length - 1);
    if (followed) followed.value = index;
    else canvas.current!.title = `${label} [${index}] = ${vector[index]!.toPrecision(4)}`;
  };
  const share = (count: number) => `${(100 * count) / vector.length}%`;
  return (
    <div
      ref={box}
      class={`vector-strip ${upright ? "upright" : ""}`}
      role="img"
      aria-label={label}
      style={height === undefined ? {} : { height: px(height) }}
      onPointerMove={tell}
      onPointerLeave={() => followed && (followed.value = null)}
    >
      <canvas ref={canvas} />
      {part && <i style={{ left: share(part[0]), width: share(part[1]) }} />}
      {followed && <Mark followed={followed} count={vector.length} upright={upright ?? false} />}
    </div>
  );
}

interface MarkProps {
  followed: ReadonlySignal<number | null>;
  count: number;
  upright: boolean;
}

/** Where the number that is followed is. */
function Mark({ followed, count, upright }: MarkProps) {
  const index = followed.value;
  if (index === null || index >= count) return null;
  const at = `${(100 * (index + 0.5)) / count}%`;
  return <b style={upright ? { top: at } : { left: at }} />;
}

/** The gap between cells that are wide enough to have one. */
const GAP = { from: 4, size: 0.5 };

/** Cells as [from, to, value] in pixels; of several on one pixel the one furthest from zero. */
function* cells(vector: ArrayLike<number>, long: number): Generator<[number, number, number]> {
  const count = vector.length;
  const step = 1 / (globalThis.devicePixelRatio || 1);
  if (count * step <= long) {
    const size = long / count;
    const gap = size > GAP.from ? GAP.size : 0;
    for (let i = 0; i < count; i++) yield [i * size, (i + 1) * size - gap, vector[i]!];
    return;
  }
  for (let at = 0; at < long; at += step) {
    const end = Math.min(count, Math.ceil(((at + step) / long) * count));
    let value = 0;
    for (let i = Math.floor((at / long) * count); i < end; i++)
      if (Math.abs(vector[i]!) > Math.abs(value)) value = vector[i]!;
    yield [at, at + step, value];
  }
}

/** The greatest size among the numbers of some vectors. */
export function greatest(...vectors: ArrayLike<number>[]): number {
  let most = 0;
  for (const vector of vectors)
    for (let i = 0; i < vector.length; i++) most = Math.max(most, Math.abs(vector[i]!));
  return most;
}
