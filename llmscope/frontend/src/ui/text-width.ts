/** How wide texts are that nobody has drawn yet. */

let context: OffscreenCanvasRenderingContext2D | null | undefined;
const segments = new Intl.Segmenter();
const WIDE = 0.6; // of an em, where nothing can be measured

/** In pixels. */
export function textWidth(text: string, pixels: number, family: string): number {
  context ??=
    typeof OffscreenCanvas === "undefined" ? null : new OffscreenCanvas(1, 1).getContext("2d");
  if (!context) return text.length * pixels * WIDE;
  context.font = `${pixels}px ${family}`;
  return context.measureText(text).width;
}

/** The text, or as much of its beginning as there is room for. */
export function fitting(text: string, room: number, pixels: number, family: string): string {
  if (textWidth(text, pixels, family) <= room) return text;
  const parts = [...segments.segment(text)].map(({ segment }) => segment);
  while (parts.length > 0 && textWidth(`${parts.join("")}…`, pixels, family) > room) parts.pop();
  return `${parts.join("")}…`;
}
