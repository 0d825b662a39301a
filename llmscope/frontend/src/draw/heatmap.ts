import type { Tensor } from "../protocol/arrays";
import type { ColorScale } from "../protocol/shared";
import { type Ink, opacity } from "./color-scale";

export interface Paint {
  ink: Ink;
  /** For weights below zero, as in a difference. */
  negative?: Ink;
  scale: ColorScale;
  /** Weights below it aren't drawn. */
  threshold: number;
}

/** The last picture of each array: moving about draws it again and again. */
const pictures = new WeakMap<Tensor, { paint: string; picture: OffscreenCanvas }>();

/**
 * Weights as ink, one pixel a cell.
 *
 * @param cells (rows, keys): weights, or bytes that are 255 times their square root
 */
export function heatmap(cells: Tensor, paint: Paint): OffscreenCanvas {
  const key = JSON.stringify(paint);
  const known = pictures.get(cells);
  if (known?.paint === key) return known.picture;
  const [rows, keys] = cells.shape as [number, number];
  const picture = painted(cells, rows, keys, 0, paint);
  pictures.set(cells, { paint: key, picture });
  return picture;
}

/** Each of several matrices (count, rows, keys), in one array, as a picture of its own. */
export function heatmaps(stack: Tensor, paint: Paint): OffscreenCanvas[] {
  const [count, rows, keys] = stack.shape as [number, number, number];
  return Array.from({ length: count }, (_, i) =>
    painted(stack, rows, keys, i * rows * keys, paint),
  );
}

/** What pictures are made in: most are of one size, and a new one for each is dear to clear away. */
let scratch: ImageData | undefined;

function painted(
  { data }: Tensor,
  rows: number,
  keys: number,
  offset: number,
  { ink, negative = ink, scale, threshold }: Paint,
): OffscreenCanvas {
  if (scratch?.width !== keys || scratch.height !== rows) scratch = new ImageData(keys, rows);
  const pixels = new Uint32Array(scratch.data.buffer).fill(0);
  const [above, below] = [pixelOf(ink), pixelOf(negative)];
  const shade = (weight: number) =>
    Math.abs(weight) < threshold ? 0 : Math.round(255 * opacity(weight, scale));
  const bytes =
    data instanceof Uint8Array
      ? Uint8Array.from({ length: 256 }, (_, byte) => shade((byte / 255) ** 2))
      : null;
  for (let i = 0; i < pixels.length; i++) {
    const value = data[offset + i]!;
    if (value === 0) continue;
    const alpha = bytes ? bytes[value]! : shade(value);
    if (alpha > 0) pixels[i] = (alpha << 24) | (value < 0 ? below : above);
  }
  const canvas = new OffscreenCanvas(keys, rows);
  canvas.getContext("2d")!.putImageData(scratch, 0, 0);
  return canvas;
}

/** A colour without its opacity, in the order of bytes that every browser's machine has. */
const pixelOf = ([r, g, b]: Ink): number => (b << 16) | (g << 8) | r;

/** Draws a heat map into a rectangle: cells stay square-edged when they grow, and blend when not. */
export function stamp(
  context: CanvasRenderingContext2D,
  picture: OffscreenCanvas,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  context.imageSmoothingEnabled = picture.width > width * (window.devicePixelRatio || 1);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, x, y, width, height);
}
