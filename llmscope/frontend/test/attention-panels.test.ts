// @vitest-environment node
import { expect, test } from "vitest";
import { opacity, weightAt } from "../src/draw/color-scale";
import { inSight, spaced } from "../src/panels/attention/labels";
import { arcs } from "../src/panels/attention/paint-arcs";
import { gridOf, headAt, neighbour } from "../src/ui/head-grid";
import { type Token, tokenOf } from "../src/protocol/answers";
import { headMatrix } from "../src/protocol/keys";
import { COLOR_SCALES } from "../src/protocol/shared";
import type { Line, Matrix } from "../src/store/attention/types";

const tokens = (count: number): Token[] =>
  Array.from({ length: count }, (_, i) => tokenOf([i, "a", i, i + 1, false]));

test("each colour scale keeps 0 and 1, rises, and can be undone", () => {
  for (const scale of COLOR_SCALES) {
    expect([opacity(0, scale), opacity(1, scale)]).toEqual([0, 1]);
    const steps = Array.from({ length: 50 }, (_, i) => opacity((i + 1) / 50, scale));
    steps.slice(1).forEach((step, i) => expect(step).toBeGreaterThan(steps[i]!));
    for (const weight of [0.001, 0.2, 0.9])
      expect(weightAt(opacity(weight, scale), scale)).toBeCloseTo(weight);
    expect(opacity(-0.3, scale)).toBe(opacity(0.3, scale));
  }
});

test("labels keep their distance, and the ones that are pointed at are among them", () => {
  const axis = { tokens: tokens(100), size: 3, start: 0, room: 300 };
  for (const focus of [0, 17, 99]) {
    const shown = spaced(axis, 15, [focus]);
    expect(shown).toContain(focus);
    shown.slice(1).forEach((index, i) => expect(index - shown[i]!).toBeGreaterThanOrEqual(5));
  }
  expect(spaced({ ...axis, tokens: tokens(10), size: 20 }, 15, [3])).toHaveLength(10);
});

test("only labels in sight are drawn, and stay with their tokens while one pans", () => {
  const axis = { tokens: tokens(4000), size: 2, start: -1000, room: 300 };
  expect(inSight(axis)).toEqual([500, 650]);
  const shown = spaced(axis, 16, []);
  expect(shown.every((index) => index >= 500 && index < 650)).toBe(true);
  const further = spaced({ ...axis, start: -1002 }, 16, []);
  expect(further.filter((index) => shown.includes(index)).length).toBeGreaterThan(10);
});

const LAYERS: [number, number, number][] = [
  [0, 6, 2],
  [2, 6, 2],
];

const ROOM = { width: 300, height: Infinity };

test("a deep model's layers go from left to right where it is broad, as large as there is room", () => {
  const deep = Array.from({ length: 30 }, (_, n): [number, number, number] => [n, 9, 3]);
  const column = gridOf(deep, { width: 220, height: Infinity }, 1, null);
  expect([column.isLying, column.across]).toEqual([false, 9]);
  const beside = gridOf(deep, { width: 345, height: Infinity, isColumn: true }, 1, null);
  expect(beside.isLying).toBe(false);
  expect(beside.size).toBeGreaterThan(18);
  for (const room of [
    { width: 569, height: Infinity },
    { width: 900, height: 250 },
    { width: 1200, height: 700 },
  ]) {
    const grid = gridOf(deep, room, 1, null);
    expect([grid.isLying, grid.across]).toEqual([true, 30]);
    expect(grid.width).toBeLessThanOrEqual(room.width);
    expect(grid.height).toBeLessThanOrEqual(room.height);
  }
  expect(gridOf(deep, { width: 1200, height: 700 }, 1, null).size).toBeGreaterThan(30);
});

test("a point between two heads is the nearer one's", () => {
  const grid = gridOf(LAYERS, ROOM, 1, null);
  const [, , third, fourth] = grid.places;
  const middle = (third!.x + grid.size + fourth!.x) / 2;
  expect(headAt(grid, middle - 1, third!.y + 1)).toEqual({ layer: 0, head: 2 });
  expect(headAt(grid, middle + 1, third!.y + 1)).toEqual({ layer: 0, head: 3 });
});

test("heads that share keys stand together, and each is where it is drawn", () => {
  const grid = gridOf(LAYERS, ROOM, 1, null);
  const [a, b, c, d] = grid.places.map(({ x }) => x);
  expect(b! - a!).toBe(c! - b!);
  expect(d! - c!).toBeGreaterThan(c! - b!);
  for (const { layer, head, x, y } of grid.places)
    expect(headAt(grid, x + 1, y + 1)).toEqual({ layer, head });
  expect(headAt(grid, 0, 0)).toBeNull();
});

test("arrow keys go to the neighbour, over layers without attention, and stop at the rim", () => {
  const grid = gridOf(LAYERS, ROOM, 1, null);
  expect(neighbour(grid, { layer: 0, head: 3 }, 1, 0)).toEqual({ layer: 2, head: 3 });
  expect(neighbour(grid, { layer: 0, head: 3 }, 0, 1)).toEqual({ layer: 0, head: 4 });
  expect(neighbour(grid, { layer: 0, head: 5 }, 0, 1)).toEqual({ layer: 0, head: 5 });
  expect(neighbour(grid, { layer: 0, head: 3 }, -1, 0)).toEqual({ layer: 0, head: 3 });
});

const WEIGHTS = [1, 0, 0, 0.4, 0.6, 0, 0.2, 0.3, 0.5];
const matrix = {
  name: headMatrix(0, 0),
  level: 0,
  cells: { data: Float32Array.from(WEIGHTS), shape: [3, 3] },
} as unknown as Matrix;
const layout = { width: 300, height: 60, row: 20, label: 80, top: 0 };
const sides = { queries: tokens(3), keys: tokens(3) };
const picture = { layout, sides, focus: 2, scale: "linear", threshold: 0 } as const;
const strand = { name: headMatrix(0, 0), label: "0·0", ink: [0, 0, 0] as const };

const hidden = { ...strand, name: headMatrix(0, 0, true), matrix, line: null };

test("arcs lead from each query to the keys that it looks at, the strongest on top", () => {
  const all = arcs({ ...picture, end: null, strands: [{ ...strand, matrix, line: null }] });
  // Those of the last query as they are, of the others a quarter; of the first key two fifths.
  expect(all.map(({ from, to, alpha }) => [from, to, Number(alpha.toFixed(6))])).toEqual([
    [30, 10, 0.04],
    [50, 10, 0.08],
    [10, 10, 0.1],
    [30, 30, 0.15],
    [50, 30, 0.3],
    [50, 50, 0.5],
  ]);
  // The width is the weight's own.
  const byWeight = [...all].sort((a, b) => a.wide - b.wide);
  expect(byWeight.map(({ from, to }) => [from, to])).toEqual([
    [50, 10],
    [50, 30],
    [30, 10],
    [50, 50],
    [30, 30],
    [10, 10],
  ]);
  expect(byWeight[5]!.wide - byWeight[3]!.wide).toBeCloseTo(byWeight[3]!.wide - 0.75);
  const strong = arcs({
    ...picture,
    threshold: 0.45,
    end: null,
    strands: [{ ...strand, matrix, line: null }],
  });
  expect(strong).toHaveLength(3);
});

test.each<[string, Partial<Parameters<typeof arcs>[0]>, boolean]>([
  ["from the last token", { end: { direction: "from", index: 2 } }, true],
  ["to the first token itself", { end: { direction: "to", index: 0 } }, false],
  ["from the first token itself", { end: { direction: "from", index: 0 } }, false],
  ["with the first left out", { end: null, strands: [hidden] }, false],
])("arcs to the first token are paler: %s", (_, change, arePaler) => {
  const weights = Float32Array.of(0.5, 0.5, 0.5);
  const line = { ...change.end, weights } as Line;
  const [first] = arcs({ ...picture, end: null, strands: [{ ...strand, matrix, line }], ...change })
    .filter(({ to }) => to === 10)
    .slice(-1);
  expect(first!.alpha).toBeCloseTo(arePaler ? 0.2 : change.end ? 0.5 : 0.25);
});

test("of a token that is looked at only its own arcs are drawn, from the edge if need be", () => {
  const line = { direction: "from", index: 2, weights: Float32Array.of(0.2, 0.3, 0.5) } as Line;
  const own = arcs({
    ...picture,
    layout: { ...layout, height: 40 },
    end: { direction: "from", index: 2 },
    strands: [{ ...strand, matrix, line }],
  });
  expect(own.map(({ to }) => to)).toEqual([10, 30]);
  expect(own.every(({ from }) => from === 30)).toBe(true);
});
