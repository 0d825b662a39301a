/** Effects on a token, as they come from the source: of heads, MLPs and tokens of the text. */

import { describe, expect, test } from "vitest";
import { gridOf, layerAt } from "../src/ui/head-grid";
import { effectInk, effectText } from "../src/ui/effects";
import type { LayerRow } from "../src/protocol/answers";
import { FACTS, LOGITS, Model, SlowSource, openStore, settle, traceAnswer } from "./fakes";

const HEADS = "t1/effects/heads/self/direct/2/-/1";
const MLPS = "t1/effects/mlps/self/direct/2/-/1";
const TRUE = "t1/effects/mlps/self/ablate/2/-/1";
const TOKENS = "t1/effects/tokens/self/occlusion/2/-/1";

const answer = (shape: number[], values: number[], options = {}) => ({
  labels: ["c"],
  values: { data: Float32Array.from(values), shape },
  measured: 3,
  estimated: false,
  whole: true,
  ...options,
});

async function asked(traits: Record<string, unknown> = {}, text = traceAnswer("t1", "one")) {
  const source = new SlowSource();
  const model = new Model();
  Object.assign(model.values, { effect_of: [2], shade: "attention", ...traits });
  const store = openStore(source, model);
  await source.answer("model", { model: FACTS });
  await source.answer("text/one", text);
  await source.answer("t1/logits/1", LOGITS);
  return { source, model, store, effects: store.effects };
}

test("heads and MLPs share a scale, and each comes when it is there", async () => {
  const { source, effects } = await asked();
  expect(source.keys()).toEqual(expect.arrayContaining([HEADS, MLPS]));
  expect(source.keys()).not.toContain(TOKENS);
  await source.answer(HEADS, answer([2, 2], [0.5, -1, 0, NaN]));
  expect(effects.ofHead({ layer: 0, head: 1 })).toEqual({ value: -1, isEstimate: false });
  expect(effects.ofHead({ layer: 1, head: 1 })).toBeUndefined();
  expect(effects.ofHead({ layer: 0, head: 2 })).toBeUndefined();
  expect(effects.most).toBe(1);
  expect(effects.mlps.at(0)).toBeUndefined();
  await source.answer(MLPS, answer([2], [4, -2]));
  expect(effects.mlps.at(1)).toEqual({ value: -2, isEstimate: false });
  expect(effects.most).toBe(4);
});

test("true effects take the place of estimates, one by one", async () => {
  const { source, effects } = await asked();
  effects.way.value = "ablate";
  await settle();
  const some = (values: number[], estimated: boolean) =>
    answer([2], values, { estimated, whole: false });
  await source.tell(TRUE, some([3, 1], true));
  expect(effects.mlps.at(1)).toEqual({ value: 1, isEstimate: true });
  await source.tell(TRUE, some([2, NaN], false));
  expect(effects.mlps.at(0)).toEqual({ value: 2, isEstimate: false });
  expect(effects.mlps.at(1)).toEqual({ value: 1, isEstimate: true });
  expect(effects.mlps.shown.value!.known).toBe(1);
  expect(effects.mlps.most.value).toBe(2);
  await source.answer(TRUE, answer([2], [2, -0.5]));
  expect(effects.mlps.at(1)).toEqual({ value: -0.5, isEstimate: false });
});

test("what is of another question is not taken for the answer", async () => {
  const { source, store, effects } = await asked();
  await source.answer(MLPS, answer([2], [4, -2]));
  expect(effects.mlps.isNew.value).toBe(true);
  store.state.effectOf.value = [2, 0];
  expect(effects.mlps.isNew.value).toBe(false);
  await source.answer(MLPS.replace("2/-", "2/0"), answer([2], [1, -1]));
  expect(effects.mlps.isNew.value).toBe(true);
});

test("MLPs that can't be told apart are no problem of heads", async () => {
  const { source, store, effects } = await asked();
  await source.fail(MLPS, "m has no mlps that can be told apart.");
  await source.answer(HEADS, answer([2, 2], [1, 2, 3, 4]));
  expect(effects.mlps.refused.value).toBe("m has no mlps that can be told apart.");
  expect(effects.heads.refused.value).toBeNull();
  expect(effects.ofHead({ layer: 1, head: 1 })?.value).toBe(4);
  expect(store.problem.value).toBeNull();
});

test("an encoder's layers have no MLPs that are measured", async () => {
  const encoder = { encoder: [[0, 2, 2]], self: [[0, 2, 2]] };
  const text = { ...traceAnswer("t1", "one"), kinds: encoder };
  const { source, effects } = await asked({ kind: "encoder" }, text as never);
  expect(source.keys()).toContain(HEADS.replace("self", "encoder"));
  expect(source.keys().filter((key) => key.includes("/mlps/"))).toEqual([]);
  expect(effects.mlps.refused.value).toContain("decoder");
});

test("what was found stays while nobody looks", async () => {
  const { source, store, effects } = await asked();
  await source.answer(MLPS, answer([2], [4, -2]));
  store.look(-1);
  store.look(1);
  await settle();
  expect(source.keys()).toContain(HEADS);
  expect(source.keys()).not.toContain(MLPS);
  expect(effects.mlps.at(0)?.value).toBe(4);
  expect(effects.mlps.isNew.value).toBe(true);
});

describe("the text", () => {
  test("has its effects once it is shaded by them", async () => {
    const { source, store, effects, model } = await asked();
    expect(effects.shadesText).toBe(false);
    store.state.shade.value = "effect";
    await settle();
    await source.answer(TOKENS, answer([2], [5, -1]));
    expect(effects.tokens.at(0)?.value).toBe(5);
    store.state.effectOf.value = [];
    expect(effects.shadesText).toBe(false);
    expect(effects.tokens.shown.value).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(model.values.shade).toBe("effect");
  });

  test("is asked for nothing where it isn't shown", async () => {
    const panels = ["overview", "attention"];
    const { source } = await asked({ shade: "effect", _panels: panels });
    expect(source.keys()).toContain(HEADS);
    expect(source.keys()).not.toContain(TOKENS);
  });
});

test("an effect has its sign, and nothing has none", () => {
  expect(effectText({ value: 0.534, isEstimate: false })).toBe("+0.53");
  expect(effectText({ value: -1, isEstimate: true })).toBe("≈ −1.00");
  expect(effectText({ value: -0.001, isEstimate: false })).toBe("0.00");
  expect(effectText(undefined)).toBe("–");
});

test("two effects of one size have colours of one strength, and signs of two", () => {
  const alpha = (color: string) => Number(/\/ (.*)\)/.exec(color)![1]);
  const [one, other] = [effectInk("light", 1, 4), effectInk("light", -1, 4)];
  expect(one).not.toBe(other);
  expect([alpha(one), alpha(other)]).toEqual([0.5, 0.5]);
  expect(alpha(effectInk("dark", 8, 4))).toBe(1);
  expect(alpha(effectInk("dark", 0, 0))).toBe(0);
});

describe("the cell of a layer's MLP", () => {
  const layers = Array.from({ length: 30 }, (_, n): LayerRow => [n, 9, 3]);
  for (const [name, width] of [
    ["upright", 330],
    ["lying", 1200],
  ] as const) {
    test(`is between its number and its heads, ${name}`, () => {
      const grid = gridOf(layers, { width, height: Infinity }, 1, null);
      expect(grid.isLying).toBe(name === "lying");
      expect(grid.strips.map(({ layer }) => layer)).toEqual(layers.map(([layer]) => layer));
      for (const { layer, x, y, width, height } of grid.strips) {
        const first = grid.places.find((place) => place.layer === layer && place.head === 0)!;
        const [right, below] = [x + width, y + height];
        if (grid.isLying) expect([x, width, below < first.y]).toEqual([first.x, grid.size, true]);
        else expect([y, height, right < first.x]).toEqual([first.y, grid.size, true]);
        expect(Math.min(x, y)).toBeGreaterThan(0);
        expect(layerAt(grid, x + width / 2, y + height / 2)).toBe(layer);
      }
      const sorted = gridOf(layers, { width, height: Infinity }, 1, grid.places);
      expect(sorted.strips).toEqual([]);
      expect([sorted.width, sorted.height]).toEqual([grid.width, grid.height]);
    });
  }
});
