// @vitest-environment node
import fc from "fast-check";
import { expect, test } from "vitest";
import { paint } from "../src/draw/svg";
import { againstTemperature } from "../src/sampling/curve";
import { pick, tally } from "../src/sampling/draws";
import { type Settings, sample, sortLogits } from "../src/sampling/sampling";

const plain: Settings = { temperature: 1, topK: 0, topP: 1, minP: 0, typicalP: 1, order: "vllm" };
const logits = Float32Array.from([0.2, 0.5, 0.3], Math.log);

test("a random number picks along the cumulative probability, the likeliest first", () => {
  const outcome = sample(sortLogits(logits), plain);
  expect([0, 0.49, 0.51, 0.79, 0.81, 0.9999999].map((u) => pick(outcome, u))).toEqual([
    0, 0, 1, 1, 2, 2,
  ]);
});

test("what was cut is never picked", () => {
  const outcome = sample(sortLogits(logits), { ...plain, topK: 2 });
  for (let u = 0; u < 1; u += 0.01) expect(pick(outcome, u)).toBeLessThan(2);
});

test("a tally counts what each number picks", () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: -9, max: 9, noNaN: true }), { minLength: 1, maxLength: 30 }),
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 50 }),
      (values, numbers) => {
        const outcome = sample(sortLogits(Float32Array.from(values)), {
          ...plain,
          typicalP: 0.8,
          order: "transformers",
        });
        const rising = Float64Array.from(numbers).sort();
        const expected = new Uint32Array(values.length);
        for (const u of rising) expected[pick(outcome, u)]!++;
        expect(tally(outcome, rising)).toEqual(expected);
      },
    ),
  );
});

test("the curve passes through the distribution at each temperature", () => {
  const sorted = sortLogits(Float32Array.of(3, 1, 2, -1));
  for (const { temperature, probs, nucleus } of againstTemperature(sorted, 3, 0.9, 2)) {
    const outcome = sample(sorted, { ...plain, temperature });
    probs.forEach((p, rank) => expect(p).toBeCloseTo(outcome.probs[rank]!, 12));
    expect(nucleus).toBe(sample(sorted, { ...plain, temperature, topP: 0.9 }).kept);
  }
});

test("a colour that is mixed is drawn as one that is written out", () => {
  expect(paint("fill", "rgb(255, 128, 0)")).toBe('fill="rgb(255,128,0)"');
  expect(paint("fill", "rgba(255, 128, 0, 0.5)")).toBe('fill="rgb(255,128,0)" fill-opacity="0.5"');
  expect(paint("fill", "color(srgb 1 0.502 0 / 0.5)")).toBe(
    'fill="rgb(255,128,0)" fill-opacity="0.5"',
  );
});
