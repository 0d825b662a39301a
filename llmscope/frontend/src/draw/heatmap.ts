import type { Array_ } from "../source/source";

export type Ink = readonly [number, number, number];

/**
 * Draws weights as ink whose opacity is the square root of the weight, one pixel a cell.
 *
 * @param cells (rows, keys): weights, or bytes that are 255 times their square root
 * @param threshold weights below it aren't drawn
 */
export function heatmap(cells: Array_, [r, g, b]: Ink, threshold = 0, offset = 0): OffscreenCanvas {
  const [rows, keys] = cells.shape.slice(-2) as [number, number];
  const image = new ImageData(keys, rows);
  const bytes = cells.data instanceof Uint8Array;
  for (let i = 0; i < rows * keys; i++) {
    const value = cells.data[offset + i]!;
    const opacity = bytes ? value / 255 : Math.sqrt(value);
    if (opacity * opacity < threshold) continue;
    image.data[4 * i] = r;
    image.data[4 * i + 1] = g;
    image.data[4 * i + 2] = b;
    image.data[4 * i + 3] = Math.round(opacity * 255);
  }
  const canvas = new OffscreenCanvas(keys, rows);
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas;
}

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
