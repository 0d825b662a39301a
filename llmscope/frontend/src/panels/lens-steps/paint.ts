/** Cells as dark as their token is likely, with its name where it stays long enough to be read. */

import { prepare } from "../../draw/canvas";
import { type Ink, mixed } from "../../draw/color-scale";
import { drawnBy, escaped, filled } from "../../draw/svg";
import { INK } from "../../host/colors";
import type { Theme } from "../../host/theme";
import { fitting, textWidth } from "../../ui/text-width";
import { type Lens, type Run, runsOf } from "./runs";

const MOST = 0.85; // opacity of what is certain
const BRIGHT = 0.63; // opacity from which words are dark where the ground is
const LETTER = { share: 0.78, most: 12, least: 8.5 }; // of a row, and pixels
const PAD = 3; // pixels
const CLOSE = 5; // pixels of a step below which no line is between what differs
const SHORTEST = 2; // letters: what is cut to fewer isn't written

const ratio = () => window.devicePixelRatio || 1;

export interface Places {
  /** Pixels from a step, or a row, to the next. */
  wide: number;
  high: number;
  width: number;
  height: number;
}

export const topOf = ({ high }: Places, rows: number, row: number): number =>
  (rows - 1 - row) * high;

interface Name {
  text: string;
  x: number;
  y: number;
  ink: Ink;
}

/** Names of what is said for long enough, with where they are. */
function namesOf(
  lens: Lens,
  runs: readonly Run[],
  places: Places,
  theme: Theme,
  font: Font,
): Name[] {
  if (font.pixels < LETTER.least * font.em) return [];
  return runs.flatMap(({ row, from, to }) => {
    const room = (to - from) * places.wide - 2 * PAD * font.em;
    const label = lens.label(row, from);
    if (room < font.pixels * 0.6) return [];
    const text = fitting(label, room, font.pixels, font.family);
    if (
      text !== label &&
      (text.length <= SHORTEST || textWidth(text, font.pixels, font.family) > room)
    )
      return [];
    const shade = Math.exp(lens.logprob(row, from)) * MOST;
    const ink = theme === "dark" && shade >= BRIGHT ? INK.dark.ground : INK[theme].text;
    const y = topOf(places, lens.rows, row) + places.high / 2;
    return [{ text, x: from * places.wide + PAD * font.em, y, ink }];
  });
}

interface Font {
  family: string;
  pixels: number;
  em: number;
}

export function paint(
  canvas: HTMLCanvasElement,
  lens: Lens,
  places: Places,
  theme: Theme,
  { family, em }: { family: string; em: number },
): void {
  const { wide, high, width, height } = places;
  const context = prepare(canvas, width, height);
  const pixels = Math.min(LETTER.most * em, high * LETTER.share);
  const runs = runsOf(lens);
  const names = namesOf(lens, runs, places, theme, { family, pixels, em });
  const ink = INK[theme].likely;
  const hair = mixed(INK[theme].ground, INK[theme].text, 0.16);
  // On whole pixels, so that none shines through between two.
  const edge = (step: number) => Math.round(step * wide * ratio()) / ratio();
  const cells = runs.flatMap(({ row, from, to }) =>
    Array.from({ length: to - from }, (_, at) => ({
      x: edge(from + at),
      y: topOf(places, lens.rows, row),
      width: edge(from + at + 1) - edge(from + at),
      alpha: Math.exp(lens.logprob(row, from + at)) * MOST,
    })),
  );
  for (const { x, y, width: own, alpha } of cells) {
    context.fillStyle = `rgb(${ink.join(" ")} / ${alpha})`;
    context.fillRect(x, y, own, high - 1);
  }
  // Where a layer begins to say something else.
  const begins = wide < CLOSE ? [] : runs.filter(({ from }) => from > 0);
  context.fillStyle = `rgb(${hair.join()})`;
  for (const { row, from } of begins)
    context.fillRect(from * wide - 0.5, topOf(places, lens.rows, row), 1, high - 1);
  context.font = `${pixels}px ${family}`;
  context.textBaseline = "middle";
  for (const { text, x, y, ink: color } of names) {
    context.fillStyle = `rgb(${color.join()})`;
    context.fillText(text, x, y);
  }
  drawnBy(canvas, () =>
    [
      ...cells.map(({ x, y, width: own, alpha }) => filled(x, y, own, high - 1, ink, alpha)),
      ...begins.map(({ row, from }) =>
        filled(from * wide - 0.5, topOf(places, lens.rows, row), 1, high - 1, hair, 1),
      ),
      ...names.map(
        ({ text, x, y, ink: color }) =>
          `<text x="${x}" y="${y}" dominant-baseline="central" font-family="${family.replaceAll('"', "'")}" font-size="${pixels}" fill="rgb(${color.join()})" xml:space="preserve">${escaped(text)}</text>`,
      ),
    ].join(""),
  );
}
