/** Heads as cells: by what they became, as strong as that is at a step. */

import { prepare } from "../../draw/canvas";
import { type Ink, legibleOn, mixed, rgb } from "../../draw/color-scale";
import { drawnBy, escaped, filled } from "../../draw/svg";
import { INK } from "../../host/colors";
import type { Theme } from "../../host/theme";
import { type HeadScores, habitInk } from "../../ui/habits";
import type { Grid, Place } from "../../ui/head-grid";
import { became as words } from "#words/became";

const LETTER = 0.66; // of a cell

interface Cell extends Place {
  ink: Ink;
  letter: string;
  strength: number;
}

/** The cells that have a score. */
export function cellsOf(grid: Grid, scores: HeadScores, step: number, theme: Theme): Cell[] {
  return grid.places.flatMap((place) => {
    const habit = scores.became(place);
    if (!habit) return [];
    const score = scores.at(step, habit, place);
    const strength = Math.min(1, Math.max(0, score || 0));
    return { ...place, ink: habitInk(theme, habit), letter: words.letters[habit], strength };
  });
}

interface Picture {
  grid: Grid;
  scores: HeadScores | null;
  /** Of the step, by its index. */
  step: number;
  theme: Theme;
  family: string;
}

export function paint(
  canvas: HTMLCanvasElement,
  { grid, scores, step, theme, family }: Picture,
): void {
  const context = prepare(canvas, grid.width, grid.height);
  const { size } = grid;
  context.fillStyle = INK[theme].cell;
  for (const { x, y } of grid.places) context.fillRect(x, y, size, size);
  const cells = scores ? cellsOf(grid, scores, step, theme) : [];
  const pixels = Math.round(size * LETTER);
  context.font = `600 ${pixels}px ${family}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { x, y, ink, letter, strength } of cells) {
    context.fillStyle = rgb(ink, strength);
    context.fillRect(x, y, size, size);
    context.fillStyle = letterColor(theme, ink, strength);
    context.fillText(letter, x + size / 2, y + size / 2 + 0.5);
  }
  drawnBy(canvas, () =>
    cells
      .map(({ x, y, ink, letter, strength }) => {
        const color = letterColor(theme, ink, strength);
        return (
          filled(x, y, size, size, ink, strength) +
          `<text x="${x + size / 2}" y="${y + size / 2}" text-anchor="middle" dominant-baseline="central" font-family="${family.replaceAll('"', "'")}" font-weight="600" font-size="${pixels}" fill="${color}">${escaped(letter)}</text>`
        );
      })
      .join(""),
  );
}

/** Black or white, on the colour that the cell has on the ground. */
const letterColor = (theme: Theme, ink: Ink, strength: number): string =>
  `rgb(${legibleOn(mixed(INK[theme].ground, ink, strength)).join()})`;
