import { beforeEach, describe, expect, test } from "vitest";
import { folds } from "../src/panels/lens/folds";
import type { Store } from "../src/store/store";
import { LOGITS, type SlowSource, opened, settle, traceAnswer } from "./fakes";

let source: SlowSource;
let store: Store;
let model: Awaited<ReturnType<typeof opened>>["model"];

/** Three rows, two positions, of each the two likeliest. */
const ANSWER = {
  top: { data: Int32Array.of(0, 1, 1, 0, 0, 2, 2, 0, 1, 0, 0, 1), shape: [3, 2, 2] },
  labels: ["a", "b", "c"],
  probs: { data: Float32Array.from({ length: 12 }, (_, i) => i / 16), shape: [3, 2, 2] },
  facts: { data: Float32Array.from({ length: 24 }, (_, i) => i), shape: [3, 2, 4] },
};

beforeEach(async () => {
  ({ source, store, model } = await opened());
  model.set("lens", "probability");
  model.set("stream", "block");
  model.set("layer", 1);
  await source.answer("text/one", {
    ...traceAnswer("t1", "one"),
    last: 11,
    tokens: Array.from({ length: 12 }, (_, n) => [n, `${n}`, n, n + 1, false]),
    kinds: {},
  });
  await source.answer("t1/logits/11", LOGITS);
});

describe("the lens", () => {
  test("asks for blocks in sight, the focus first, and for nothing while out of sight", async () => {
    expect(source.keys().filter((key) => key.includes("lens"))).toEqual([]);
    store.lens.inSight.value = [0, 3];
    expect(source.keys().slice(-2)).toEqual(["t1/lens/block/1", "t1/lens/block/0"]);
    expect(store.lens.isWaiting.value).toBe(true);
    await source.answer("t1/lens/block/1", ANSWER);
    await source.answer("t1/lens/block/0", ANSWER);
    expect(store.lens.isWaiting.value).toBe(false);
    store.lens.inSight.value = [1, 4];
    expect(source.keys().filter((key) => key.includes("lens"))).toEqual([]);
  });

  test("asks for no block behind the text, whatever was in sight of one before", () => {
    store.lens.inSight.value = [4, 40];
    expect(source.keys().slice(-2)).toEqual(["t1/lens/block/1", "t1/lens/block/0"]);
    expect(source.keys()).toHaveLength(source.keys().indexOf("t1/lens/block/1") + 2);
  });

  test("drops what is no longer wanted", () => {
    store.lens.inSight.value = [0, 3];
    model.set("stream", "mlp");
    expect(source.keys().filter((key) => key.includes("lens"))).toEqual([
      "t1/lens/mlp/1",
      "t1/lens/mlp/0",
    ]);
  });

  test("reads a cell by its row and position", async () => {
    store.lens.inSight.value = [8, 9];
    await source.answer("t1/lens/block/1", ANSWER);
    expect(store.lens.rows.value).toBe(3);
    expect(store.lens.read([1, 9])).toEqual({
      top: [
        { label: "c", prob: 6 / 16 },
        { label: "a", prob: 7 / 16 },
      ],
      entropy: 12,
      divergence: 13,
      rank: 14,
      trueProb: 15,
    });
    expect(store.lens.read([1, 3])).toBeNull();
    expect(store.lens.read([1, 12])).toBeNull(); // behind the text, in a block that is there
  });

  test("sets layer and position, and keeps the embeddings apart from the first layer", () => {
    expect(store.lens.focus.value).toEqual([2, 11]);
    store.lens.pick([1, 4]);
    expect([store.state.layer.value, store.state.position.value]).toEqual([0, 4]);
    store.lens.pick([0, 5]);
    expect([store.state.layer.value, store.state.position.value]).toEqual([0, 5]);
    expect(store.lens.focus.value).toEqual([0, 5]);
    model.set("layer", 1);
    expect(store.lens.focus.value).toEqual([2, 5]);
  });

  test("says in words why there is none, until another stream is chosen", async () => {
    store.lens.inSight.value = [0, 3];
    await source.fail("t1/lens/block/1", "There is no lens.");
    await settle();
    expect(store.lens.lacking.value).toBe("There is no lens.");
    expect(source.keys().filter((key) => key.includes("lens"))).toEqual([]);
    model.set("stream", "attention");
    expect(store.lens.lacking.value).toBeNull();
    expect(source.keys()).toContain("t1/lens/attention/0");
  });
});

describe("layers that share a row", () => {
  test("are as many as it takes, and the one in focus is shown", () => {
    const shown = (rows: number, room: number, focus: number) =>
      folds(rows, room, focus).map((fold) => fold.shown);
    expect(shown(5, Infinity, 2)).toEqual([4, 3, 2, 1, 0]);
    expect(shown(5, 5, 2)).toEqual([4, 3, 2, 1, 0]);
    expect(shown(5, 4, 0)).toEqual([4, 2, 0]);
    expect(shown(5, 4, 3)).toEqual([3, 2, 0]);
    expect(shown(6, 4, 1)).toEqual([5, 3, 1, 0]);
    expect(shown(31, 16, 25)).toHaveLength(16);
    expect(shown(81, 16, 0).slice(-2)).toEqual([2, 0]);
  });
});
