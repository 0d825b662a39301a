import { signal } from "@preact/signals";
import { describe, expect, test } from "vitest";
import type { ChainDifference, DistancesAnswer, TileAnswer } from "../src/protocol/answers";
import { formatKey, stepTrace } from "../src/protocol/keys";
import { sizeOf, unpack } from "../src/protocol/arrays";
import type { Part } from "../src/protocol/source";
import { stepOfTrace } from "../src/protocol/training";
import type { Content } from "../src/sources/page/content";
import { PageSource } from "../src/sources/page/page";
import { StepsSource, withSteps } from "../src/sources/steps";
import { SlowSource, settle } from "./fakes";
import { stepContent, trainingAnswer } from "./training-fakes";

const keyOf = (step: number, run = 0, probe = 0) => `step/${run}/${step}/${probe}`;
const of = (step: number, run = 0) => stepTrace({ run, step, probe: 0 });

/** A source that knows of kept steps. */
async function opened(steps = [0, 1, 2, 4, 8, 16]) {
  const inner = new SlowSource();
  const source = new StepsSource(inner);
  const known = source.ask("training");
  await inner.answer("training", trainingAnswer(steps) as unknown as Part);
  await known;
  const read = async (step: number, run = 0) => {
    const answer = source.ask(keyOf(step, run));
    await inner.answer(`training/step/${run}/${step}`, stepContent(run, step, 0.25 + step / 100));
    return answer;
  };
  return { inner, source, read };
}

test("a trace has its run, step and probe in its name", () => {
  for (const at of [
    { run: 0, step: 0, probe: 0 },
    { run: 1, step: 0, probe: 63 },
    { run: 0, step: 6_999_999, probe: 5 },
  ])
    expect(stepOfTrace(stepTrace(at))).toEqual(at);
});

test("only a view of a training has steps", () => {
  const inner = new SlowSource();
  expect(withSteps(inner, ["tokens"])).toBe(inner);
  expect(withSteps(inner, ["training", "tokens"])).toBeInstanceOf(StepsSource);
});

test("a step is asked for once, and answers all that is asked of its traces", async () => {
  const { inner, source, read } = await opened();
  expect(await read(2)).toMatchObject({ trace: of(2), text: "one" });
  const asked = inner.keys();
  const logits = await source.ask<{ logits: { data: Float32Array } }>(`${of(2)}/logits/1`);
  expect([...logits.logits.data]).toEqual([1, 2, 5]);
  const row = await source.ask<TileAnswer>(`${of(2)}/self/head.0.0/row.1`);
  expect(row.weights!.data[0]).toBeCloseTo(0.27, 3);
  await source.ask(keyOf(2));
  expect(inner.keys()).toEqual(asked);
  expect(source.lacks(`${of(2)}/logits/0`)).toBe("only at the end");
  expect(source.lacks(`${of(2)}/self/head.7.0/row.0`)).toBe("no such head");
});

test("steps beside the one on screen are asked for ahead, a few at once, on the way there first", async () => {
  const { inner, read } = await opened();
  await read(1);
  expect(inner.keys()).toEqual(["training/step/0/2", "training/step/0/4"]);
  await inner.answer("training/step/0/2", stepContent(0, 2));
  expect(inner.keys()).toEqual(["training/step/0/4", "training/step/0/8"]);
  // Back again: what is on its way stays, and what is next there comes.
  await read(0);
  await inner.answer("training/step/0/4", stepContent(0, 4));
  await inner.answer("training/step/0/8", stepContent(0, 8));
  expect(inner.keys()).toEqual([]);
});

test("a step that nobody waits for any more is not asked for", async () => {
  const { inner, source } = await opened();
  const [one, other] = [new AbortController(), new AbortController()];
  const asked = [one, other].map(({ signal }) => source.ask(keyOf(4), { signal }));
  asked.forEach((each) => each.catch(() => {}));
  expect(inner.keys()).toEqual(["training/step/0/4"]);
  one.abort();
  expect(inner.keys()).toEqual(["training/step/0/4"]);
  other.abort();
  expect(inner.keys()).toEqual([]);
  const again = source.ask(keyOf(4));
  await settle();
  await inner.answer("training/step/0/4", stepContent(0, 4));
  expect(await again).toMatchObject({ trace: of(4) });
});

test("why a step isn't there is told in words, and it is asked for again once it may be", async () => {
  const { inner, source } = await opened();
  expect(source.lacks(keyOf(3))).toBe("Step 3 isn't kept.");
  await expect(source.ask(keyOf(3))).rejects.toThrow("Step 3 isn't kept.");
  const failed = source.ask(keyOf(4));
  failed.catch(() => {});
  await inner.fail("training/step/0/4", "The disk is gone.");
  await expect(failed).rejects.toThrow("The disk is gone.");
  void source.ask(keyOf(4)).catch(() => {});
  expect(inner.keys()).toContain("training/step/0/4");
  expect(source.lacks("text/x")).toMatch("takes the model");
  expect(await source.ask("model")).toEqual({});
});

describe("two steps", () => {
  test("of weights, chains and heads there is a difference", async () => {
    const { source, read } = await opened();
    await read(8);
    await source.ask(keyOf(8));
    const asked = read(0);
    await asked;
    const pair = `${of(8)}-${of(0)}`;
    expect(source.lacks(`${pair}/self/head.0.0/row.1`)).toBeNull();
    const tile = await source.ask<TileAnswer>(`${pair}/self/head.0.0/0.0.0.max`);
    const [one, other] = [0.33, 0.25];
    [0, 0, one - other, other - one].forEach((value, at) =>
      expect(tile.weights!.data[at]).toBeCloseTo(value, 3),
    );
    const chain = await source.ask<ChainDifference>(`${pair}/chain`);
    expect([...chain.both.data]).toEqual([NaN, -8, NaN, -0]);
    expect([...chain.logprobs.data]).toEqual([NaN, -8]);
    expect(chain.perplexities).toEqual([9, 1]);
    const { distances } = await source.ask<DistancesAnswer>(`${pair}/distances/self`);
    expect(distances.shape).toEqual([2, 2]);
    const apart = (p: number[], q: number[]) => {
      const kl = (x: number[], m: number[]) =>
        x.reduce((sum, value, at) => sum + value * Math.log2(value / m[at]!), 0);
      const m = p.map((value, at) => (value + q[at]!) / 2);
      return Math.sqrt((kl(p, m) + kl(q, m)) / 2);
    };
    // The first of two queries sees one key in both.
    expect(distances.data[0]).toBeCloseTo(apart([one, 1 - one], [other, 1 - other]) / 2, 3);
    expect(distances.data[3]).toBeCloseTo(
      apart([one / 2, 1 - one / 2], [other / 2, 1 - other / 2]) / 2,
      3,
    );
  });

  test("what has none is refused in words", async () => {
    const { source, read } = await opened();
    await read(8);
    await read(0);
    const pair = `${of(8)}-${of(0)}`;
    expect(source.lacks(`${pair}/lens/block/0`)).toMatch("two steps is shown in");
    expect(source.lacks(`${pair}/self/head.9.9/row.0`)).toBe("no such head");
  });

  test("of other tokens none is made", async () => {
    const { inner, source, read } = await opened();
    await read(8);
    const other = stepContent(1, 8) as unknown as Content;
    const summary = other.answers[keyOf(8, 1)] as unknown as { tokens: unknown[][] };
    summary.tokens = summary.tokens.map(([, ...rest]) => [7, ...rest]);
    const asked = source.ask(keyOf(8, 1));
    await inner.answer("training/step/1/8", other as unknown as Part);
    await asked;
    expect(source.lacks(`${of(8)}-${of(8, 1)}/chain`)).toMatch("other tokens");
  });
});

test("when the kernel is lost, steps that are here go on, and others say why not", async () => {
  const inner = Object.assign(new SlowSource(), { isGone: signal(false) });
  const source = new StepsSource(inner);
  void source.ask("training");
  await inner.answer("training", trainingAnswer([0, 1, 2]) as unknown as Part);
  void source.ask(keyOf(1));
  await inner.answer("training/step/0/1", stepContent(0, 1));
  inner.isGone.value = true;
  expect(source.isGone!.value).toBe(true);
  expect([source.holds(keyOf(1)), source.holds(`${of(1)}/logits/1`)]).toEqual([true, true]);
  expect([source.holds(keyOf(2)), source.holds(`${of(1)}/logits/0`)]).toEqual([false, false]);
  expect(source.lacks(keyOf(2))).toBe("Step 2 takes the kernel, which is disconnected.");
});

test("no more is kept than has room, and what was used last stays", async () => {
  const steps = Array.from({ length: 12 }, (_, step) => step);
  const { inner, source } = await opened(steps);
  const big = (step: number) => ({
    ...stepContent(0, step),
    more: { data: new Uint8Array(20e6), shape: [] },
  });
  for (const step of steps) {
    const asked = source.ask(keyOf(step));
    for (const key of inner.keys()) await inner.answer(key, big(Number(key.split("/").at(-1))));
    await asked;
    // Those that are asked for ahead come, too.
    while (inner.keys().length) {
      const [key] = inner.keys();
      await inner.answer(key!, big(Number(key!.split("/").at(-1))));
    }
  }
  const held = steps.filter((step) => source.holds(keyOf(step)));
  expect(held.length).toBe(8);
  expect(held).toContain(11);
  expect(held).not.toContain(0);
});

test("a page holds steps in the same form, and says which it holds no more", async () => {
  const known = trainingAnswer([0, 1, 2]) as unknown as Part;
  const page = new PageSource({
    answers: { training: known, "training/step/0/1": stepContent(0, 1) },
    matrices: [],
    logits: [],
    labels: { ids: { data: new Int32Array(), shape: [0] }, labels: [] },
    words: { heads: "", positions: "", steps: "", lens: "" },
  });
  const source = new StepsSource(page);
  await source.ask("training");
  expect(await source.ask(keyOf(1))).toMatchObject({ trace: of(1) });
  expect(source.lacks(keyOf(2))).toMatch("thinned out");
  await expect(source.ask(keyOf(2))).rejects.toThrow("thinned out");
  expect(source.lacks("training/run")).not.toBeNull();
});

test("arrays are found however deep they are in an answer", () => {
  const packed = { buffer: 0, dtype: "int32", shape: [2] };
  const bytes = new DataView(Int32Array.of(3, 4).buffer);
  const found = unpack(
    { a: packed, b: { c: [{ d: packed }, { d: null }] }, e: [[1, "x"]], f: null },
    [bytes],
  );
  const array = { data: Int32Array.of(3, 4), shape: [2] };
  expect(found).toEqual({
    a: array,
    b: { c: [{ d: array }, { d: null }] },
    e: [[1, "x"]],
    f: null,
  });
  expect(sizeOf(found)).toBe(16);
  expect(formatKey({ type: "step_input", run: 0, step: 1, probe: 2 })).toBe("step/0/1/2");
});
