// @vitest-environment node
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ORDERS } from "../src/protocol/shared";
import { type Settings, cutBy, probOf, sample, sortLogits } from "../src/sampling/sampling";

const plain: Settings = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  typicalP: 1,
  order: "transformers",
};
const logitsOf = fc
  .array(fc.float({ min: -30, max: 30, noNaN: true }), { minLength: 1, maxLength: 60 })
  .map((values) => Float32Array.from(values));
const settingsOf = fc.record({
  temperature: fc.double({ min: 0, max: 5, noNaN: true }),
  topK: fc.integer({ min: 0, max: 70 }),
  topP: fc.double({ min: 0, max: 1, noNaN: true }),
  minP: fc.double({ min: 0, max: 1, noNaN: true }),
  typicalP: fc.double({ min: 0.01, max: 1, noNaN: true }),
  order: fc.constantFrom(...ORDERS),
});
const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);

describe("sortLogits", () => {
  test("puts the likeliest first, and equal ones by id", () => {
    const sorted = sortLogits(Float32Array.of(1, -2, 3, -Infinity, 3, 0, -0.5));
    expect([...sorted.order]).toEqual([2, 4, 0, 5, 6, 1, 3]);
    expect([...sorted.logits]).toEqual([3, 3, 1, 0, -0.5, -2, -Infinity]);
    expect(sorted.rank[0]).toBe(2);
  });

  test("is a permutation in falling order, with a base that sums to one", () => {
    fc.assert(
      fc.property(logitsOf, (logits) => {
        const { order, logits: found, base, rank } = sortLogits(logits);
        expect([...order].sort((a, b) => a - b)).toEqual([...logits.keys()]);
        for (let i = 1; i < found.length; i++)
          expect(found[i - 1]).toBeGreaterThanOrEqual(found[i]!);
        order.forEach((id, place) => expect(rank[id]).toBe(place));
        expect(sum(base)).toBeCloseTo(1, 10);
      }),
    );
  });
});

describe("sample", () => {
  test("sums to one and keeps a run of ranks, whatever the settings", () => {
    fc.assert(
      fc.property(logitsOf, settingsOf, (logits, settings) => {
        const outcome = sample(sortLogits(logits), settings);
        expect(sum(outcome.probs)).toBeCloseTo(1, 9);
        expect(outcome.kept).toBeGreaterThanOrEqual(1);
        for (let rank = 0; rank < logits.length; rank++) {
          if (cutBy(outcome, rank)) expect(probOf(outcome, rank)).toBe(0);
        }
        const kept = outcome.stages.map((stage) => stage.kept);
        expect(kept).toEqual([...kept].sort((a, b) => b - a));
        expect(outcome.entropy).toBeGreaterThanOrEqual(-1e-12);
      }),
    );
  });

  test("does nothing when nothing is asked", () => {
    const sorted = sortLogits(Float32Array.of(2, 1, 0));
    const outcome = sample(sorted, plain);
    expect(outcome.stages).toEqual([]);
    outcome.probs.forEach((p, rank) => expect(p).toBeCloseTo(sorted.base[rank]!, 12));
  });

  test("a lower temperature never makes the likeliest less likely", () => {
    fc.assert(
      fc.property(
        logitsOf,
        fc.double({ min: 0.05, max: 5, noNaN: true }),
        fc.double({ min: 0.05, max: 5, noNaN: true }),
        (logits, a, b) => {
          const sorted = sortLogits(logits);
          const first = (temperature: number) =>
            sample(sorted, { ...plain, temperature }).probs[0]!;
          expect(first(Math.min(a, b))).toBeGreaterThanOrEqual(first(Math.max(a, b)) - 1e-12);
        },
      ),
    );
  });

  test("greedy keeps one", () => {
    const outcome = sample(sortLogits(Float32Array.of(0, 5, 1)), { ...plain, temperature: 0 });
    expect(outcome.kept).toBe(1);
    expect(outcome.probs[0]).toBe(1);
  });

  test("says which stage cut a token", () => {
    const sorted = sortLogits(Float32Array.of(4, 3, 2, 1, 0));
    const outcome = sample(sorted, { ...plain, temperature: 0.5, topK: 3, topP: 0.9 });
    expect([0, 1, 2, 3, 4].map((rank) => cutBy(outcome, rank))).toEqual([
      undefined,
      undefined,
      "top-p",
      "top-k",
      "top-k",
    ]);
  });
});
