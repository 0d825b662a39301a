import { prepare } from "../../draw/canvas";
import { opacity, rgb } from "../../draw/color-scale";
import { type Paint, heatmap, stamp } from "../../draw/heatmap";
import { drawnBy, filled } from "../../draw/svg";
import { INK } from "../../host/colors";
import type { Theme } from "../../host/theme";
import { TILE } from "../../protocol/shared";
import type { Matrix, Tile } from "../../store/attention/types";
import { PLAIN } from "../../ui/em";
import { hundredths } from "../../ui/format";
import { clamp } from "../../ui/scale";
import { type Axis, inSight } from "./labels";
import { type Part, isIn } from "./segments";

const GAPS_FROM = 8; // pixels a cell, from which there are gaps between cells
const NUMBERS_FROM = 36; // pixels a cell, from which it holds its weight
const SMALLEST = 12; // pixels of its type, in a notebook

interface Picture {
  matrix: Matrix;
  tiles: readonly Tile[];
  rows: Axis;
  columns: Axis;
  paint: Paint;
  /** Whether attention is causal. */
  causal: boolean;
  /** What is drawn of it; `null` for all. */
  part: Part | null;
  theme: Theme;
  /** By how much type is larger than in a notebook. */
  scale: number;
}

/** Paints what is in sight of a matrix: the whole of it coarse, finer parts over it. */
export function paintMatrix(canvas: HTMLCanvasElement, picture: Picture): void {
  const { matrix, tiles, rows, columns, paint } = picture;
  const context = prepare(canvas, columns.room, rows.room);
  const place = (index: number, { start, size }: Axis) => start + index * size;
  context.save();
  if (picture.part) {
    const { query, key } = picture.part;
    const [x, y] = [place(key[0], columns), place(query[0], rows)];
    context.beginPath();
    context.rect(x, y, place(key[1], columns) - x, place(query[1], rows) - y);
    context.clip();
  }
  paintGround(context, picture);
  const draw = ({ cells, level }: Pick<Tile, "cells" | "level">, row = 0, column = 0) => {
    const block = 2 ** level;
    const [down, across] = cells.shape as [number, number];
    // Whole pixels of the screen, so that tiles don't overlap where they meet.
    const x = crisp(place(column, columns));
    const y = crisp(place(row, rows));
    // The last block may reach past the end of the text.
    const [width, height] = [across * block * columns.size, down * block * rows.size];
    if (cells !== matrix.cells) {
      context.save();
      context.beginPath();
      context.rect(x, y, width, height);
      context.clip();
      context.clearRect(x, y, width, height);
      paintGround(context, picture);
    }
    stamp(context, heatmap(cells, paint), x, y, width, height);
    if (cells !== matrix.cells) context.restore();
  };
  draw(matrix);
  for (const tile of tiles) {
    if (tile.matrix !== matrix) continue;
    const side = TILE * 2 ** tile.level;
    draw(tile, tile.row * side, tile.column * side);
  }
  if (rows.size >= GAPS_FROM) paintGaps(context, rows, columns);
  if (rows.size >= NUMBERS_FROM * picture.scale) paintNumbers(context, picture);
  context.restore();
  const few = matrix.level === 0 && matrix.cells.data.length <= 64 * 64;
  drawnBy(canvas, few ? () => cellsOf(picture) : null);
}

function crisp(length: number): number {
  const ratio = window.devicePixelRatio || 1;
  return Math.round(length * ratio) / ratio;
}

/** The cells of a short text one by one, as SVG. */
function cellsOf({ matrix, rows, columns, paint, causal, part }: Picture): string {
  const gap = rows.size >= GAPS_FROM ? 1 : 0;
  const keys = columns.tokens.length;
  return Array.from(matrix.cells.data, (weight, i) => {
    const [query, key] = [Math.floor(i / keys), i % keys];
    if ((causal && key > query) || !isIn(part, query, key)) return "";
    const ink = weight < 0 ? (paint.negative ?? paint.ink) : paint.ink;
    const alpha = Math.abs(weight) < paint.threshold ? 0 : opacity(weight, paint.scale);
    const [x, y] = [columns.start + key * columns.size, rows.start + query * rows.size];
    return filled(x, y, columns.size - gap, rows.size - gap, ink, Math.max(0.05, alpha));
  }).join("");
}

/** The pale ground of cells that can have a weight: of causal attention those up to the diagonal. */
function paintGround(
  context: CanvasRenderingContext2D,
  { rows, columns, causal, theme }: Picture,
): void {
  context.fillStyle = INK[theme].cell;
  if (!causal) return context.fillRect(0, 0, columns.room, rows.room);
  const [first, last] = inSight(rows);
  context.beginPath();
  context.moveTo(columns.start, rows.start + first * rows.size);
  for (let row = first; row < last; row++) {
    const right = columns.start + (row + 1) * columns.size;
    context.lineTo(right, rows.start + row * rows.size);
    context.lineTo(right, rows.start + (row + 1) * rows.size);
  }
  context.lineTo(columns.start, rows.start + last * rows.size);
  context.fill();
}

function paintGaps(context: CanvasRenderingContext2D, rows: Axis, columns: Axis): void {
  const lines = (axis: Axis, clear: (place: number) => void) => {
    const [first, last] = inSight(axis);
    for (let i = Math.max(1, first); i < last; i++) clear(axis.start + i * axis.size - 0.5);
  };
  lines(columns, (x) => context.clearRect(x, 0, 1, rows.room));
  lines(rows, (y) => context.clearRect(0, y, columns.room, 1));
}

/** As opaque as a cell is from which the ground reads better on it than the text, in both themes. */
const DARK = 0.7;

function paintNumbers(context: CanvasRenderingContext2D, picture: Picture): void {
  const { rows, columns, paint, theme, scale } = picture;
  const inks = INK[theme];
  const least = scale > 1 ? PLAIN * scale : SMALLEST;
  context.font = `${clamp(rows.size * 0.3, least, 18 * scale)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const [left, right] = inSight(columns);
  for (let query = inSight(rows)[0]; query < inSight(rows)[1]; query++)
    for (let key = left; key < right; key++) {
      const weight = weightAt(picture, query, key);
      if (weight === undefined) continue;
      const text = hundredths(Math.abs(weight));
      if (text === ".00" || Math.abs(weight) < paint.threshold) continue;
      const ink = opacity(weight, paint.scale) > DARK ? inks.ground : inks.text;
      context.fillStyle = rgb(ink, 0.9);
      context.fillText(
        weight < 0 ? `−${text}` : text,
        columns.start + (key + 0.5) * columns.size,
        rows.start + (query + 0.5) * rows.size,
      );
    }
}

/** A weight that has been read: cells of level 0 are weights, coarser ones only say how large. */
function weightAt({ matrix, tiles }: Picture, query: number, key: number): number | undefined {
  const within = ({ cells, row, column }: Pick<Tile, "cells" | "row" | "column">) =>
    cells.data[(query - row * TILE) * cells.shape[1]! + key - column * TILE];
  if (matrix.level === 0) return within({ cells: matrix.cells, row: 0, column: 0 });
  const [row, column] = [Math.floor(query / TILE), Math.floor(key / TILE)];
  const tile = tiles.find(
    (one) => one.matrix === matrix && one.level === 0 && one.row === row && one.column === column,
  );
  return tile && within(tile);
}
