import { describe, expect, test } from "vitest";
import type { SurveyAnswer } from "../src/panels/survey/answer";
import { headOf, indexOf, rowOf, statisticOf } from "../src/panels/survey/answer";
import { scoreText } from "../src/panels/survey/names";
import { endOf, inFrame, nearest, nextTo, pointsOf, ticksOf } from "../src/panels/survey/points";
import { SURVEY_SCORES } from "../src/protocol/shared";
import { LastingAnswers } from "../src/store/lasting";
import { SlowSource, settle } from "./fakes";

const SCORES = SURVEY_SCORES.length;
/** Three heads; head 2 has no induction. */
const answer = {
  heads: { data: new Int32Array([0, 0, 0, 1, 1, 0]), shape: [3, 2] },
  known: { data: new Int32Array(3 * SCORES).fill(5), shape: [SCORES, 3] },
  statistics: {
    data: Float32Array.from({ length: 3 * SCORES * 3 }, (_, at) => {
      const [row, score, head] = [Math.floor(at / SCORES / 3), Math.floor(at / 3) % SCORES, at % 3];
      return score === SURVEY_SCORES.indexOf("induction") && head === 2
        ? NaN
        : (row + 1) * (score + head / 8);
    }),
    shape: [3, SCORES, 3],
  },
} as unknown as SurveyAnswer;
const points = [
  { index: 0, x: 0, y: 0 },
  { index: 1, x: 1, y: 0.1 },
  { index: 2, x: 0.2, y: 1 },
  { index: 3, x: 3, y: 0 },
];
const even = { x: 1, y: 1 };

test("a head has its place and its statistics", () => {
  expect(headOf(answer, 1)).toEqual({ layer: 0, head: 1 });
  expect(indexOf(answer, { layer: 1, head: 0 })).toBe(2);
  expect(indexOf(answer, { layer: 7, head: 0 })).toBe(-1);
  expect(statisticOf(answer, "first", 1)).toEqual({
    mean: 1.125,
    std: 2.25,
    error: 3.375,
    texts: 5,
  });
  expect(rowOf({ data: new Int32Array([1, 2, 3, 4]), shape: [2, 2] }, 1)).toEqual([3, 4]);
});

test("a head without a score has no point", () => {
  expect(pointsOf(answer, "first", "previous").map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(pointsOf(answer, "first", "induction").map(({ index }) => index)).toEqual([0, 1]);
});

test.each([
  [[], 1],
  [[0, 0], 1],
  [[0.07, 0.31], 0.4],
  [[0.9], 1],
  [[1], 1],
  [[13.2], 15],
])("an axis of %o ends at %d", (values, end) => {
  expect(endOf(values)).toBeCloseTo(end, 12);
});

test("ticks are round, from 0 on, and few", () => {
  for (const end of [0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 15, 20]) {
    const ticks = ticksOf(end);
    expect(ticks[0]).toBe(0);
    expect(ticks.length).toBeGreaterThanOrEqual(3);
    expect(ticks.length).toBeLessThanOrEqual(6);
    expect(ticks.at(-1)!).toBeLessThanOrEqual(end * 1.001);
  }
});

describe("heads near a place", () => {
  test("the nearest, as far as pixels go", () => {
    expect(nearest(points, { x: 0.9, y: 0 }, even, 0.5)?.index).toBe(1);
    expect(nearest(points, { x: 2, y: 2 }, even, 0.5)).toBeNull();
    expect(nearest(points, { x: 0.9, y: 0 }, { x: 1, y: 100 }, 0.5)).toBeNull();
  });

  test("the next in a direction", () => {
    expect(nextTo(points, points[0]!, [1, 0], even, 0)?.index).toBe(1);
    expect(nextTo(points, points[0]!, [0, 1], even, 0)?.index).toBe(2);
    expect(nextTo(points, points[1]!, [1, 0], even, 1)?.index).toBe(3);
    expect(nextTo(points, points[0]!, [-1, 0], even, 0)).toBeNull();
  });

  test("those in a frame, the highest first, whichever way it was drawn", () => {
    const frame = { x: [1.5, -1], y: [-1, 2] } as const;
    expect(inFrame(points, frame).map(({ index }) => index)).toEqual([2, 1, 0]);
  });
});

test.each([
  [NaN, "–"],
  [0.0002, "< 0.001"],
  [0, "0.000"],
  [0.8125, "0.813"],
  [12.34, "12.3"],
  [123.4, "123"],
])("a score of %d reads %s", (value, text) => {
  expect(scoreText(value)).toBe(text);
});

describe("what takes long", () => {
  const started = () => {
    const source = new SlowSource();
    const said: unknown[] = [];
    const run = new LastingAnswers(source, (error) => said.push(error)).running({
      type: "survey_run",
    });
    run.start();
    return { source, run, said };
  };

  test("shows each part, and the last", async () => {
    const { source, run } = started();
    await source.tell("survey/run", { done: 1 });
    expect(run.latest.value).toEqual({ done: 1 });
    expect(run.isRunning.value).toBe(true);
    await source.answer("survey/run", { done: 2 });
    expect(run.latest.value).toEqual({ done: 2 });
    expect(run.isRunning.value).toBe(false);
  });

  test("is ended and gone on with, and what came stays", async () => {
    const { source, run, said } = started();
    await source.tell("survey/run", { done: 1 });
    run.stop();
    await settle();
    expect(source.keys()).toEqual([]);
    expect([run.isRunning.value, run.latest.value, said]).toEqual([false, { done: 1 }, []]);
    run.start();
    run.start();
    expect(source.keys()).toEqual(["survey/run"]);
    await source.answer("survey/run", { done: 2 });
    expect(run.latest.value).toEqual({ done: 2 });
  });

  test("says what went wrong once, and can be begun again", async () => {
    const { source, run, said } = started();
    await source.tell("survey/run", { done: 1 });
    await source.fail("survey/run", "The model was changed.");
    expect(said).toHaveLength(1);
    expect([run.isRunning.value, run.latest.value]).toEqual([false, { done: 1 }]);
  });
});
