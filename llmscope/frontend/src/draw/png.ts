import type { Drawn } from "./svg";

/** A picture of what was drawn, with `sharper` pixels to a pixel of the screen. */
export async function toPng({ svg, size }: Drawn, sharper: number): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = size.map((side) => Math.ceil(side * sharper)) as [number, number];
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob((blob) => done(blob!)));
}
