import { describe, expect, test } from "vitest";
import { linePath, ribbonPath } from "../src/draw/paths";
import { placeOf as tileOf, tileAt, tilesOf } from "../src/panels/head-steps/tiles";
import { lensOf, runsOf } from "../src/panels/lens-steps/runs";
import { edgesOf, namesAtEnd, placeOf, streamOf } from "../src/panels/stream/ribbons";
import type { AcrossAnswer, HeadsAnswer, LensAnswer } from "../src/protocol/over-steps";
import { SCORES, type ScoreName } from "../src/protocol/shared";
import { LastingAnswers } from "../src/store/lasting";
import { HeadScores } from "../src/ui/habits";
import { naturalAxis } from "../src/store/steps-axis";
import { nearestTo, stepTicks, stepsScale } from "../src/ui/steps-axis";
import { SlowSource, settle } from "./fakes";

const whole = (...data: number[]) => ({ data: Int32Array.from(data), shape: [data.length] });
const table = (rows: number[][]) => ({
  data: Float32Array.from(rows.flat()),
  shape: [rows.length, rows[0]!.length],
});

/** Three tokens over three steps; the last is known at the second alone. */
const ACROSS: AcrossAnswer = {
  steps: whole(0, 10, 20),
  ids: whole(5, 6, 7),
  labels: ["a", "b", "c"],
  probs: table([
    [0.25, 0.5, NaN],
    [0.5, 0.25, 0.125],
    [0.75, 0.125, NaN],
  ]),
  entropy: { data: Float32Array.of(2, 1, 0.5), shape: [3] },
};
const stream = streamOf(ACROSS);

describe("tokens as ribbons", () => {
  test("lie below the likelier ones, and all with the rest are 1", () => {
    expect(stream.columns.map(({ order }) => order)).toEqual([
      [1, 0],
      [0, 1, 2],
      [0, 1],
    ]);
    expect(stream.columns.map(({ rest }) => rest)).toEqual([0.25, 0.125, 0.125]);
    expect([...stream.columns[1]!.above]).toEqual([0, 0.5, 0.75]);
  });

  test("have a width only where their probability is known", () => {
    const edges = edgesOf(stream, 2, [0, 100, 200]);
    expect(edges.filter(({ from }) => !Number.isNaN(from))).toEqual([
      { x: 94, from: 0.75, to: 0.875 },
      { x: 100, from: 0.75, to: 0.875, bends: false },
      { x: 106, from: 0.75, to: 0.875 },
    ]);
  });

  test("are as wide as they are likely at each step, and bend where the order changes", () => {
    const edges = edgesOf(stream, 0, [0, 100, 200]);
    expect(edges.map(({ from, to }) => to - from)).toEqual([0.25, 0.25, 0.5, 0.75, 0.75]);
    expect(edges.map(({ bends }) => bends ?? false)).toEqual([false, false, true, false, false]);
  });

  test("leave what is not theirs to the rest", () => {
    const edges = edgesOf(stream, null, [0, 100, 200]);
    expect(edges.map(({ to }) => to)).toEqual([1, 1, 1, 1, 1]);
  });

  test("have their names where they are widest, or none", () => {
    const edges = edgesOf(stream, 0, [0, 100, 200]);
    expect(placeOf(edges, [20, 10], 100, 300)?.x).toBe(100);
    expect(placeOf(edges, [20, 10], 100, 105)?.x).toBe(10);
    expect(placeOf(edgesOf(stream, 2, [0, 100, 200]), [20, 10], 100, 300)).toBeNull();
    expect(placeOf(edges, [20, 90], 100, 300)).toBeNull();
    expect(namesAtEnd(stream, 100, 15)).toEqual([
      { token: 0, y: 37.5 },
      { token: 1, y: 81.25 },
    ]);
  });
});

test("paths break where nothing is known", () => {
  expect(
    linePath([
      [0, 1],
      [1, 2],
      [2, NaN],
      [3, 4],
    ]),
  ).toBe("M0 1L1 2M3 4");
  const edges = [
    { x: 0, from: 0, to: 2 },
    { x: 10, from: 4, to: 5, bends: true },
    { x: 20, from: NaN, to: NaN },
  ];
  expect(ribbonPath(edges)).toBe("M0 0C5 0 5 4 10 4L10 5C5 5 5 2 0 2Z");
});

describe("the axis of steps", () => {
  test("is by ratio where steps were kept densely at first", () => {
    expect(naturalAxis([0, 1, 2, 4, 8, 16, 32, 64])).toBe("log");
    expect(naturalAxis([0, 50, 100, 150, 200])).toBe("linear");
    expect(naturalAxis([0])).toBe("linear");
  });

  test.each(["linear", "log"] as const)("has its ends at both ends, %s", (axis) => {
    const scale = stepsScale([0, 3, 90], axis, [40, 140]);
    expect([scale(0), scale(90)].map(Math.round)).toEqual([40, 140]);
    expect(scale.nearest(scale(3) + 0.1)).toBe(1);
    const ticks = stepTicks([0, 3, 90], axis, scale, 1);
    expect(ticks.every((step) => Number.isInteger(step) && step >= 0 && step <= 90)).toBe(true);
    expect(ticks.length).toBeGreaterThan(1);
  });

  test("has one step in the middle", () => {
    expect(stepsScale([7], "linear", [0, 100])(7)).toBe(50);
    expect(stepTicks([7], "linear", stepsScale([7], "linear", [0, 100]), 1)).toEqual([7]);
  });

  test.each([
    [-5, 0],
    [4, 0],
    [6, 1],
    [99, 2],
  ])("takes %d as the nearest", (value, index) => {
    expect(nearestTo([0, 10, 20], value)).toBe(index);
  });
});

describe("what heads became", () => {
  /** One step, layers 3 and 7, of two heads each. */
  const scoresOf = (...heads: Partial<Record<ScoreName, number>>[]) => {
    const data = SCORES.flatMap((score) => heads.map((head) => head[score] ?? 0));
    const answer = {
      steps: whole(0),
      scores: { data: Float32Array.from(data), shape: [1, SCORES.length, 2, 2] },
    } as HeadsAnswer;
    return new HeadScores(answer, [3, 7]);
  };
  const none = Object.fromEntries(SCORES.map((score) => [score, NaN]));

  test("is the habit with most weight, nearby without the one just before", () => {
    const scores = scoresOf(
      { previous: 0.5, local: 0.6, first: 0.3 },
      { previous: 0.1, local: 0.6, first: 0.3 },
      { first: 0.2, entropy: 0.9 },
      none,
    );
    const of = (layer: number, head: number) => scores.became({ layer, head });
    expect([of(3, 0), of(3, 1), of(7, 0), of(7, 1)]).toEqual([
      "previous",
      "local",
      "entropy",
      null,
    ]);
    expect(scores.at(0, "first", { layer: 7, head: 0 })).toBeCloseTo(0.2);
    expect(scores.at(0, "first", { layer: 0, head: 0 })).toBeNaN();
  });

  test("is found without scores that make no sense, as in cross-attention", () => {
    const cross = { previous: NaN, self: NaN, induction: NaN, local: NaN };
    const scores = scoresOf({ ...cross, first: 0.4 }, { ...cross, first: 0.1 }, none, none);
    expect(scores.became({ layer: 3, head: 0 })).toBe("first");
    expect(scores.became({ layer: 3, head: 1 })).toBe("entropy");
  });
});

test("layers say the same for a while, and nothing is said where nothing is known", () => {
  const answer: LensAnswer = {
    steps: whole(0, 1, 2, 3),
    ids: { data: Int32Array.of(1, 9, 1, 9, 2, 8, 2, 9), shape: [4, 2] },
    labels: { ids: whole(1, 2, 8, 9), labels: ["a", "b", "y", "z"] },
    logprobs: { data: Float32Array.of(-1, -1, -1, -1, -1, NaN, -1, -1), shape: [4, 2] },
  };
  const lens = lensOf(answer);
  expect(runsOf(lens)).toEqual([
    { row: 0, from: 0, to: 2 },
    { row: 0, from: 2, to: 4 },
    { row: 1, from: 0, to: 2 },
    { row: 1, from: 3, to: 4 },
  ]);
  expect(lens.label(0, 3)).toBe("b");
});

test("pictures are as large as fit, and found where they are", () => {
  for (const count of [1, 7, 24]) {
    const room = { width: 300, height: 262 };
    const tiles = tilesOf(count, room, 15, 1);
    const last = tileOf(tiles, count - 1);
    expect(last.y + tiles.size + 15).toBeLessThanOrEqual(room.height);
    expect(tileOf(tiles, Math.min(count, tiles.across) - 1).x + tiles.size).toBeLessThanOrEqual(
      300,
    );
    expect(tileAt(tiles, count, last.x + 3, last.y + 3)).toBe(count - 1);
    expect(tileAt(tiles, count, -1, 3)).toBeNull();
  }
});

describe("an answer that grows", () => {
  const request = { type: "training_across", run: 0, probe: 0, position: 4 } as const;
  const KEY = "training/across/0/0/4";
  const made = () => {
    const source = new SlowSource();
    return { source, lasting: new LastingAnswers(source, () => {}) };
  };

  test("stays until the new one is there", async () => {
    const { source, lasting } = made();
    const answer = lasting.watch(request, 1);
    await settle();
    await source.answer(KEY, { steps: 1 });
    expect(lasting.watch(request, 2)).toBe(answer);
    await settle();
    expect(answer.value).toEqual({ steps: 1 });
    await source.answer(KEY, { steps: 2 });
    expect(answer.value).toEqual({ steps: 2 });
    lasting.watch(request, 2);
    await settle();
    expect(source.keys()).toEqual([]);
  });

  test("is asked for once at a time", async () => {
    const { source, lasting } = made();
    for (const version of [1, 2, 3]) lasting.watch(request, version);
    await settle();
    expect(source.keys()).toEqual([KEY]);
    await source.answer(KEY, { steps: 1 });
    lasting.watch(request, 3);
    await settle();
    expect(source.keys()).toEqual([KEY]);
  });
});
