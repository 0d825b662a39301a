/** The colours of heads: told apart in every kind of colour vision, and in grey. */

import { lab, rgb } from "d3-color";
import { describe, expect, test } from "vitest";
import { contrast, legibleOn } from "../src/draw/color-scale";
import { INK } from "../src/host/colors";
import { DASHES } from "../src/protocol/shared";

type Triple = readonly [number, number, number];

/**
 * Linear red, green and blue as they are seen without one kind of cone: Machado, Oliveira and Fernandes,
 * “A Physiologically-based Model for Simulation of Color Vision Deficiency” (2009), severity 1.0; and
 * as luminance alone.
 */
const SEEN: Record<string, readonly [Triple, Triple, Triple]> = {
  whole: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
  grey: [
    [0.2126, 0.7152, 0.0722],
    [0.2126, 0.7152, 0.0722],
    [0.2126, 0.7152, 0.0722],
  ],
};
/** CIE76 between any two; the second for the first four, which most people pin. */
const LEAST: Record<string, readonly [number, number]> = {
  whole: [22, 40],
  protanopia: [13, 19],
  deuteranopia: [13, 19],
  tritanopia: [13, 19],
  grey: [2, 7],
};

const linear = (part: number) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
const shown = (part: number) =>
  255 * (part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055);

function seen(ink: Triple, matrix: readonly Triple[]) {
  const parts = ink.map((part) => linear(part / 255));
  const [r, g, b] = matrix.map((row) => {
    const sum = row.reduce((total, share, at) => total + share * parts[at]!, 0);
    return shown(Math.min(1, Math.max(0, sum)));
  }) as [number, number, number];
  return lab(rgb(r, g, b));
}

/** The least distance between any two of these. */
function closest(inks: readonly Triple[], matrix: readonly Triple[]): number {
  const all = inks.map((ink) => seen(ink, matrix));
  const distances = all.flatMap((one, at) =>
    all.slice(at + 1).map((other) => Math.hypot(one.l - other.l, one.a - other.a, one.b - other.b)),
  );
  return Math.min(...distances);
}

describe.each(["light", "dark"] as const)("on a %s ground", (theme) => {
  const { heads, ground } = INK[theme];

  test.each(Object.keys(SEEN))("colours of heads are apart: %s", (kind) => {
    const [any, first] = LEAST[kind]!;
    expect(closest(heads, SEEN[kind]!)).toBeGreaterThanOrEqual(any);
    expect(closest(heads.slice(0, 4), SEEN[kind]!)).toBeGreaterThanOrEqual(first);
  });

  test("lines stand out from the ground, and letters from the colours", () => {
    for (const ink of heads) {
      expect(contrast(ink, ground)).toBeGreaterThanOrEqual(3);
      expect(contrast(ink, legibleOn(ink))).toBeGreaterThanOrEqual(4.5);
    }
  });
});

test("two teals would be found", () => {
  const teals: Triple[] = [
    [0, 114, 178],
    [0, 140, 102],
  ];
  expect(closest(teals, SEEN.whole!)).toBeGreaterThan(40);
  expect(closest(teals, SEEN.tritanopia!)).toBeLessThan(14);
});

test("each head has a line of its own, beside its colour", () => {
  expect(DASHES).toHaveLength(INK.light.heads.length);
  expect(new Set(DASHES.map(String)).size).toBe(DASHES.length);
});
