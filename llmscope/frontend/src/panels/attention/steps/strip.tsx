import { useContext, useLayoutEffect, useRef } from "preact/hooks";
import { prepare, px } from "../../../draw/canvas";
import { type Ink, rgb } from "../../../draw/color-scale";
import { INK, ThemeContext } from "../../../host/colors";
import { clamp } from "../../../ui/scale";
import { useWidth } from "../../../ui/use-width";

interface StripProps {
  /** What the vector is, for those who can't see it. */
  label: string;
  vector: ArrayLike<number>;
  /** The value that is drawn in full colour. */
  most: number;
  height: number;
  /** A part that is framed: first and length. */
  part?: [number, number];
}

/** A vector as a strip of cells: above zero in the colour of attention, below zero in grey. */
export function Strip({ label, vector, most, height, part }: StripProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useContext(ThemeContext).value;
  const width = useWidth(box);
  useLayoutEffect(() => {
    if (width === 0) return;
    const context = prepare(canvas.current!, width, height);
    const { attention, text } = INK[theme];
    const size = width / vector.length;
    const gap = size > 4 ? 0.5 : 0;
    for (let i = 0; i < vector.length; i++) {
      const value = vector[i]!;
      const ink: Ink = value < 0 ? text : attention;
      const share = most > 0 ? Math.min(1, Math.abs(value) / most) : 0;
      context.fillStyle = rgb(ink, (value < 0 ? 0.7 : 1) * share);
      context.fillRect(i * size, 0, Math.max(0.5, size - gap), height);
    }
  }, [vector, most, width, height, theme]);
  const tell = (event: PointerEvent) => {
    const bounds = canvas.current!.getBoundingClientRect();
    const index = Math.floor(((event.clientX - bounds.left) / bounds.width) * vector.length);
    const value = vector[clamp(index, 0, vector.length - 1)]!;
    canvas.current!.title = `${label} [${index}] = ${value.toPrecision(4)}`;
  };
  const share = (count: number) => `${(100 * count) / vector.length}%`;
  return (
    <div ref={box} class="strip" role="img" aria-label={label} style={{ height: px(height) }}>
      <canvas ref={canvas} onPointerMove={tell} />
      {part && <i style={{ left: share(part[0]), width: share(part[1]) }} />}
    </div>
  );
}

/** The greatest size among the numbers of some vectors. */
export function greatest(...vectors: ArrayLike<number>[]): number {
  let most = 0;
  for (const vector of vectors)
    for (let i = 0; i < vector.length; i++) most = Math.max(most, Math.abs(vector[i]!));
  return most;
}
