import { expect, test } from "vitest";
import {
  type EvaluationAnswer,
  type Value,
  behind,
  columnsOf,
  itemsOf,
  nextOrdering,
  ordered,
  taskOf,
} from "../src/panels/evaluation/answer";
import { ticks } from "../src/ui/scale";
import { nameOf, rounded, shown } from "../src/panels/evaluation/names";

const value = (number: number | null): Value => [number, null, null, number === null ? "why" : ""];

const model = (name: string, ...numbers: (number | null)[]) => ({
  name,
  code: "scope",
  state: "done" as const,
  error: "",
  notes: [],
  values: numbers.map(value),
});

const measure = (name: string, better: "less" | "more" | "" = "less") => ({
  name,
  unit: "ratio" as const,
  better,
  interval: "95" as const,
  of_texts: true,
});

const ANSWER: EvaluationAnswer = {
  over: true,
  done: 1,
  seconds_left: null,
  stage: "texts",
  measures: [
    measure("parameters"),
    measure("tokens_per_character.zh"),
    measure("task.a.b.acc", "more"),
    measure("bits_per_byte"),
    measure("pseudo_perplexity"),
  ],
  models: [
    model("a", 3, 1, 0.5, 2, null),
    model("b", 1, 2, null, null, null),
    model("c", 2, 1, 0.7, 1, null),
  ],
  texts: [
    { text: "one", language: "en", bytes: 3 },
    { text: "二", language: "zh", bytes: 3 },
    { text: "three", language: "en", bytes: 5 },
  ],
  all_texts: 3,
  numbers: {
    bits_per_byte: [
      [1, 2, 3],
      [null, null, null],
      [1.5, 4, 3.1],
    ],
    tokens_per_character: [
      [1, 2, 3],
      [1, 3, 3],
      [1, 2, 3],
    ],
  },
  items: {
    "task.a.b.acc": [
      { asked: "same", right: "x", said: [["x", 1], null, ["x", 1]] },
      { asked: "differs", right: "x", said: [["y", 0], null, ["x", 1]] },
    ],
  },
};

test("how good models are comes before how dear they are; empty columns are none", () => {
  const names = columnsOf(ANSWER).map((at) => ANSWER.measures[at]!.name);
  expect(names).toEqual(["bits_per_byte", "task.a.b.acc", "tokens_per_character.zh", "parameters"]);
});

test("while it is measured, columns that will fill are there", () => {
  const models = [model("a", null, null, null, null, null)];
  expect(columnsOf({ ...ANSWER, over: false, models })).toHaveLength(4);
});

test("models are sorted by a measure, those without a number last, either way", () => {
  const names = (ordering: "given" | "ascending" | "descending") =>
    ordered(ANSWER, 3, ordering).map((at) => ANSWER.models[at]!.name);
  expect(names("given")).toEqual(["a", "b", "c"]);
  expect(names("ascending")).toEqual(["c", "a", "b"]);
  expect(names("descending")).toEqual(["a", "c", "b"]);
});

test("the first click sorts the best first, the second the other way round", () => {
  expect(nextOrdering("less", null)).toBe("ascending");
  expect(nextOrdering("less", "ascending")).toBe("descending");
  expect(nextOrdering("less", "descending")).toBe("ascending");
  expect(nextOrdering("more", null)).toBe("descending");
  expect(nextOrdering("more", "descending")).toBe("ascending");
});

test("texts on which the models differ most come first", () => {
  expect(behind(ANSWER, "bits_per_byte").map(({ text }) => text)).toEqual([1, 0, 2]);
  expect(behind(ANSWER, "parameters")).toEqual([]);
});

test("behind a number of a language are its texts", () => {
  expect(behind(ANSWER, "tokens_per_character.zh")).toEqual([{ text: 1, values: [2, 3, 2] }]);
});

test("items on which the models differ come first", () => {
  expect(itemsOf(ANSWER, "task.a.b.acc").map(({ asked }) => asked)).toEqual(["differs", "same"]);
});

test("a task's name may have dots", () => {
  expect(taskOf("task.a.b.acc")).toEqual(["a.b", "acc"]);
  expect(nameOf("task.a.b.acc")).toBe("a.b: acc");
  expect(taskOf("accuracy")).toBeNull();
});

test("ticks are round, and there are at least two", () => {
  expect(ticks(4.4, 7.6)).toEqual([5, 6, 7]);
  expect(ticks(300, 380, 2).length).toBeGreaterThan(1);
});

test.each([
  [134_515_008, "count", "135 M"],
  [538_090_408, "bytes", "538 MB"],
  [42, "bytes", "42 B"],
  [0.21875, "share", "21.9 %"],
  [1.03, "share", "103 %"],
  [-0.02, "share", "−2.00 %"],
  [1.234567, "bits", "1.235"],
  [12_345_678, "ratio", "12.3 M"],
  [17.25, "tokens/s", "17.3 /s"],
] as const)("%d %s is written %s", (number, unit, text) => {
  expect(shown(number, unit)).toBe(text);
});

test("ticks are written short", () => {
  expect(rounded(5, "bits")).toBe("5");
  expect(rounded(0.30000000000000004, "share")).toBe("30 %");
  expect(rounded(2_000_000, "count")).toBe("2 M");
});
