// @vitest-environment node
import fc from "fast-check";
import { expect, test } from "vitest";
import { clamp, linearScale, logScale } from "../src/ui/scale";

test("a linear scale maps ends to ends, evenly between", () => {
  const scale = linearScale([0, 2], [44, 244]);
  expect([0, 0.5, 1, 2].map(scale)).toEqual([44, 94, 144, 244]);
  expect(scale.invert(94)).toBe(0.5);
});

test("a logarithmic scale gives each factor as much room", () => {
  const scale = logScale([1e-6, 1], [0, 100]);
  expect([1e-6, 1e-3, 1].map((value) => Math.round(scale(value)))).toEqual([0, 50, 100]);
  expect(scale.invert(50)).toBeCloseTo(1e-3);
});

test("scales can be undone", () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 50_000, noNaN: true }), (value) => {
      const scale = logScale([1, 50_000], [0, 1]);
      expect(scale.invert(scale(value)) / value).toBeCloseTo(1, 9);
    }),
  );
});

test("a value is kept between two others, the last of which wins", () => {
  expect([-1, 5, 11].map((value) => clamp(value, 0, 10))).toEqual([0, 5, 10]);
  expect(clamp(3, 0, -1)).toBe(-1);
});
