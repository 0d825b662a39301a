/** The whole model as one picture: what is asked for, what stays on screen, and what gestures open. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Box, StructureAnswer } from "../src/protocol/model";
import type { Store } from "../src/store/store";
import { LOGITS, type SlowSource, opened, settle, traceAnswer } from "./fakes";

const box = (id: string, kind: Box["kind"], facts: Box["facts"] = {}): Box => ({
  id,
  kind,
  path: id,
  module: "Linear",
  shapes: [],
  parameters: 0,
  takes: 2,
  gives: 2,
  facts,
  opens: "box",
});

const STRUCTURE: StructureAnswer = {
  name: "Made",
  parameters: 10,
  whole: null,
  notes: [],
  towers: [
    {
      tower: "self",
      width: 2,
      blocks: 3,
      positions: [{ how: "rotary", box: "block.0.rotary", why: "", facts: {} }],
      before: [box("tokens", "tokens"), box("embedding", "embedding")],
      after: [box("final_norm", "norm")],
      runs: [
        {
          first: 0,
          count: 2,
          module: "Block",
          paths: ["h.0", "h.1"],
          parameters: 4,
          varied: {},
          stages: [
            {
              shared: [],
              branches: [[box("heads", "heads", { positions: "rotary" }), box("output", "output")]],
              after: [],
              adds: true,
              whole: null,
            },
          ],
        },
        {
          first: 2,
          count: 1,
          module: "Mixing",
          paths: ["h.2"],
          parameters: 4,
          varied: {},
          stages: [
            {
              shared: [],
              branches: [[box("mixer", "mixer", { how: "state space" }), box("output", "output")]],
              after: [],
              adds: true,
              whole: null,
            },
          ],
        },
      ],
    },
  ],
};
const STREAM = { before: [], after: [], lengths: [[1, 2]], added: [], top: null };
const BLOCK = { points: [], error: 0 };

let source: SlowSource;
let store: Store;
let model: Awaited<ReturnType<typeof opened>>["model"];
const asked = () => source.keys().filter((key) => key.includes("/model"));

beforeEach(async () => {
  ({ source, store, model } = await opened());
  for (const [name, value] of Object.entries({ model: true, block: -1, box: "", layer: 1 }))
    model.set(name, value);
  await source.answer("text/one", {
    ...traceAnswer("t1", "one"),
    last: 2,
    tokens: Array.from({ length: 3 }, (_, n) => [n, `${n}`, n, n + 1, false]),
    kinds: { self: [0, 1].map((layer) => [layer, 2, 2]) },
  });
  await source.answer("t1/logits/2", LOGITS);
});

/** A picture on screen that has been read. */
async function read() {
  store.anatomy.look(1);
  await source.answer("t1/model", STRUCTURE as never);
  await source.answer("t1/model/stream/self/2", STREAM);
  await source.answer("t1/model/block/self/1/2", BLOCK);
}

describe("the picture", () => {
  test("asks for nothing while it isn't on screen", async () => {
    expect(asked()).toEqual([]);
    store.anatomy.look(1);
    expect(asked()).toEqual(["t1/model"]);
    store.anatomy.look(-1);
    await settle();
    expect(asked()).toEqual([]);
  });

  test("asks for the token in focus, and for the block of the layer", async () => {
    store.anatomy.look(1);
    await source.answer("t1/model", STRUCTURE as never);
    expect(asked()).toEqual(["t1/model/stream/self/2", "t1/model/block/self/1/2"]);
    expect(store.anatomy.find("block.1.rotary")?.box.id).toBe("heads");
    expect(store.anatomy.find("block.2.rotary")).toBeNull();
    expect(store.anatomy.find("final_norm")?.layer).toBeNull();
  });

  test("keeps what is on screen until the next token is read, and drops what nobody waits for", async () => {
    await read();
    store.pin(1);
    store.pin(0);
    const { anatomy } = store;
    expect(asked()).toEqual(["t1/model/stream/self/0", "t1/model/block/self/1/0"]);
    expect(anatomy.stream.value?.answer).toBe(STREAM);
    expect(anatomy.isNow(anatomy.stream.value, anatomy.wanted.stream)).toBe(false);
    await source.answer("t1/model/stream/self/0", { ...STREAM });
    expect(anatomy.isNow(anatomy.stream.value, anatomy.wanted.stream)).toBe(true);
  });

  test("reads what is beside the focus ahead, once nothing moves, and asks for it no second time", async () => {
    await read();
    expect(asked()).toEqual([]);
    await vi.waitFor(() => expect(asked()).toHaveLength(4));
    const beside = ["stream/self/1", "block/self/1/1", "block/self/0/2", "block/self/2/2"];
    expect(new Set(asked())).toEqual(new Set(beside.map((key) => `t1/model/${key}`)));
    store.pin(1);
    // Those on their way are looked at now; the others are dropped.
    expect(asked()).toEqual(["t1/model/stream/self/1", "t1/model/block/self/1/1"]);
    await source.answer("t1/model/stream/self/1", { ...STREAM, lengths: [[7]] });
    expect(store.anatomy.stream.value?.answer.lengths).toEqual([[7]]);
  });
});

describe("gestures", () => {
  test("choosing a block takes the layer along where attention has it", async () => {
    await read();
    store.anatomy.choose(0);
    expect([store.state.block.value, store.state.layer.value]).toEqual([0, 0]);
    store.anatomy.choose(2);
    expect([store.state.block.value, store.state.layer.value]).toEqual([2, 0]);
    expect(store.anatomy.layer.value).toBe(2);
  });

  test("a layer that is chosen elsewhere opens its block", async () => {
    await read();
    store.anatomy.choose(2);
    store.attention.keep({ layer: 0, head: 0 });
    expect([store.state.block.value, store.anatomy.layer.value]).toEqual([-1, 0]);
  });

  test("a box stays open in the next block that has one of its name", async () => {
    await read();
    store.anatomy.open("block.1.output");
    expect(asked().at(-1)).toBe("t1/model/box/block.1.output/0/2");
    store.anatomy.choose(2);
    expect(store.state.box.value).toBe("block.2.output");
    store.anatomy.choose(1);
    store.anatomy.open("block.1.rotary");
    store.anatomy.choose(2);
    expect(store.state.box.value).toBe("");
  });

  test("a box is closed by a second click, and by what closes", async () => {
    await read();
    const { anatomy, state } = store;
    anatomy.open("embedding");
    anatomy.open("embedding");
    expect(state.box.value).toBe("");
    expect(anatomy.close()).toBe(false);
    anatomy.open("embedding");
    expect(anatomy.close()).toBe(true);
    expect(state.box.value).toBe("");
  });

  test("a number that is pointed at is read through all blocks, after a moment", async () => {
    await read();
    store.anatomy.followed.value = 1;
    expect(asked()).toEqual([]);
    await vi.waitFor(() => expect(asked()).toContain("t1/model/component/self/2/1"));
    await source.answer("t1/model/component/self/2/1", { values: [[0, 1]] });
    expect(store.anatomy.component.value?.answer).toEqual({ values: [[0, 1]] });
    store.anatomy.followed.value = null;
    expect(store.anatomy.component.value).toBeNull();
  });
});

test("why there is no picture is said in words", async () => {
  store.anatomy.look(1);
  await source.fail("t1/model", "A difference of two has no picture.");
  expect(store.anatomy.lacking.value).toBe("A difference of two has no picture.");
});
