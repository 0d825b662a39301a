// @vitest-environment node
import { expect, test } from "vitest";
import vectors from "../../../tests/vectors/numbers.json";
import { opacity, weightAt } from "../src/draw/color-scale";
import { spaced } from "../src/panels/attention/labels";
import type { Token } from "../src/protocol/answers";
import type { ColorScale } from "../src/protocol/shared";
import { count, percent, points, power, rounded, roundedWeight, weight } from "../src/ui/format";

// Figures in Python are held to the same vectors.
test.each(vectors.percent)("a share of $share is $text", ({ share, text }) => {
  expect(percent(share)).toBe(text);
});

test.each([
  [0, "0"],
  [1, "100 %"],
  [0.9229, "92.3 %"],
  [0.02161, "2.2 %"],
  [0.001, "0.1 %"],
  [0.000999, "< 0.1 %"],
  [0.9994, "99.9 %"],
  [0.99951, "> 99.9 %"],
])("a share of %f is %s in a list", (share, text) => {
  expect(rounded(share)).toBe(text);
});

test.each(vectors.points)("a change of $change is $text", ({ change, text }) => {
  expect(points(change)).toBe(text);
});

test.each([
  [0, "0"],
  [2.55e-9, "< 0.001"],
  [0.0005, "0.001"],
  [0.25, "0.250"],
])("a weight of %f is %s beside others", (value, text) => {
  expect(roundedWeight(value)).toBe(text);
});

test("no share but 1 is ever shown as a certainty", () => {
  for (let digits = 1; digits < 16; digits++) expect(percent(1 - 10 ** -digits)).not.toBe("100 %");
});

test.each([
  [0, "100 %"],
  [Math.log(0.5), "50.0 %"],
  [-10 * Math.LN10, "1.00 × 10⁻¹⁰"],
  [Math.log(9.999e-7), "1.00 × 10⁻⁶"],
  [-2000 * Math.LN10 + Math.log(3), "3.00 × 10⁻²⁰⁰⁰"],
  [-Infinity, "0"],
])("the probability whose logarithm is %f is %s", (logprob, text) => {
  expect(power(logprob)).toBe(text);
});

test.each(vectors.weight)("a weight of $weight is $text", ({ weight: value, text }) => {
  expect(weight(value)).toBe(text);
});

test.each(vectors.count)("$count is $text", ({ count: value, text }) => {
  expect(count(value)).toBe(text);
});

test.each(vectors.opacity)("$weight is as opaque as it says, on the scale $scale", (one) => {
  expect(opacity(one.weight, one.scale as ColorScale)).toBeCloseTo(one.opacity, 12);
});

test.each(vectors.weight_at)("$opacity is the shade of a weight, on the scale $scale", (one) => {
  expect(weightAt(one.opacity, one.scale as ColorScale)).toBeCloseTo(one.weight, 12);
});

test.each(vectors.spaced)("of $tokens tokens, labels at least $apart apart", (one) => {
  const tokens = Array.from({ length: one.tokens }, () => ({}) as Token);
  const axis = { tokens, size: 1, start: 0, room: one.tokens };
  expect(spaced(axis, one.apart, one.always)).toEqual(one.kept);
});
