import { beforeEach, describe, expect, test } from "vitest";
import { matrixText } from "../src/protocol/keys";
import { TILE } from "../src/protocol/shared";
import type { Store } from "../src/store/store";
import {
  type SlowSource,
  fraction,
  line,
  opened,
  settle,
  thumbnail,
  traceAnswer,
  tile,
} from "./fakes";

let source: SlowSource;
let store: Store;
let read: Awaited<ReturnType<typeof opened>>["read"];

beforeEach(async () => {
  ({ source, store, read } = await opened());
  await read("t1", "one");
});

const HEAD = "t1/self/head.0.0/0.0.0.max";

describe("a head", () => {
  test("is shown with the weights of the token in focus", async () => {
    await source.answer(HEAD, tile(1, 0, 0.25, 0.75));
    expect(store.attention.matrix.value?.level).toBe(0);
    expect([...store.attention.line.value!.weights]).toEqual([0.25, 0.75]);
    store.pin(0);
    await settle();
    expect([...store.attention.line.value!.weights]).toEqual([1, 0]);
  });

  test("gives who looks at a token as well as whom it looks at", async () => {
    await source.answer(HEAD, tile(1, 0, 0.25, 0.75));
    store.attention.pin("to", 0);
    await settle();
    expect(store.attention.line.value?.direction).toBe("to");
    expect([...store.attention.line.value!.weights]).toEqual([1, 0.25]);
    expect(store.state.direction.value).toBe("to");
  });

  test("under the mouse is previewed, and gives way to the one that is kept", () => {
    const { attention } = store;
    attention.keep({ layer: 0, head: 1 });
    attention.preview.value = { layer: 1, head: 0 };
    expect(attention.shown.value).toEqual({ layer: 1, head: 0 });
    attention.preview.value = null;
    expect(attention.shown.value).toEqual({ layer: 0, head: 1 });
  });

  test("whose answer comes after another was chosen is not asked for any more", async () => {
    store.state.head.value = 1;
    expect(source.keys()).not.toContain(HEAD);
    await source.answer("t1/self/head.0.1/0.0.0.max", tile(1, 0, 0.5, 0.5));
    expect(store.attention.matrix.value?.head).toBe(1);
  });
});

describe("several heads", () => {
  test("as arcs shade the text by their mean, hidden ones left out", async () => {
    store.attention.choose([
      [0, 1],
      [1, 0],
    ]);
    store.state.mode.value = "arcs";
    await source.answer("t1/self/mean.0.1+1.0/row.1", line(0.4, 0.6));
    expect(fraction(store.attention.line.value!.weights[0]!)).toBe(0.4);
    store.attention.muted.value = new Set(["0.1"]);
    await source.answer("t1/self/head.1.0/row.1", line(0.3, 0.7));
    expect(fraction(store.attention.line.value!.weights[0]!)).toBe(0.3);
    store.attention.muted.value = new Set(["0.1", "1.0"]);
    expect(store.attention.line.value).toBeNull();
  });

  test("are combined under the name that Python gives them", async () => {
    store.attention.choose([
      [0, 1],
      [1, 0],
    ]);
    for (const [combine, name] of [
      ["mean", "mean.0.1+1.0"],
      ["max", "max.0.1+1.0"],
      ["difference", "difference.0.1+1.0"],
      ["rollout", "rollout.0"],
    ] as const) {
      store.state.combine.value = combine;
      expect(matrixText(store.attention.name.value)).toBe(name);
      await source.answer(`t1/self/${name}/0.0.0.max`, tile(1, 0, 0.5, 0.5));
      expect(store.attention.matrix.value?.name).toEqual(store.attention.name.value);
    }
    store.state.hideSink.value = true;
    expect(matrixText(store.attention.name.value)).toBe("sinkless.rollout.0");
  });

  test("are each asked for when they lie over each other as arcs", async () => {
    const overlays = () => store.attention.overlays.value.map(({ name }) => matrixText(name));
    store.state.mode.value = "arcs";
    store.attention.toggle({ layer: 0, head: 1 });
    store.attention.toggle({ layer: 1, head: 0 });
    await source.answer("t1/self/head.0.1/0.0.0.max", tile(1, 0, 0.5, 0.5));
    await source.answer("t1/self/head.1.0/0.0.0.max", tile(1, 0, 0.2, 0.8));
    expect(overlays()).toEqual(["head.0.1", "head.1.0"]);
    store.attention.toggle({ layer: 0, head: 1 });
    expect(overlays()).toEqual(["head.1.0"]);
    expect(store.state.heads.value).toEqual([[1, 0]]);
  });

  test("are eight at most", () => {
    const many = Array.from({ length: 12 }, (_, head): [number, number] => [0, head]);
    store.attention.choose(many);
    expect(store.state.heads.value).toHaveLength(8);
    store.attention.toggle({ layer: 0, head: 11 });
    expect(store.state.heads.value).toHaveLength(8);
  });
});

describe("a matrix that is zoomed into", () => {
  const long = TILE * 4;

  beforeEach(async () => {
    store.editor.edit("long");
    await source.answer("text/long", {
      ...traceAnswer("t2", "long"),
      last: long - 1,
      tokens: Array.from({ length: long }, (_, i) => [i, "a", i, i + 1, false]),
    });
    await source.answer(`t2/logits/${long - 1}`, {
      logits: { data: Float32Array.of(1), shape: [1] },
      ids: { data: Int32Array.of(0), shape: [1] },
      texts: ["a"],
      labels: ["a"],
    });
    await source.answer("t2/self/head.0.0/2.0.0.max", {
      shades: { data: new Uint8Array(TILE * TILE), shape: [TILE, TILE] },
    });
  });

  test("reads what it needs of finer tiles, and the line in focus exactly", async () => {
    expect(store.attention.matrix.value).toMatchObject({ level: 2 });
    await source.answer(`t2/self/head.0.0/row.${long - 1}`, line(0.5, 0.5));
    expect([...store.attention.line.value!.weights]).toEqual([0.5, 0.5]);
    store.attention.viewport.value = { query: [600, 900], key: [0, 300], pixels: 500 };
    expect(source.keys().filter((key) => key.includes("/0."))).toEqual([
      "t2/self/head.0.0/0.1.0.max",
    ]);
    await source.answer("t2/self/head.0.0/0.1.0.max", tile(1, 0, 0, 1));
    expect(store.attention.tiles.value).toMatchObject([{ level: 0, row: 1, column: 0 }]);
    store.attention.viewport.value = { query: [0, long], key: [0, long], pixels: 500 };
    expect(store.attention.tiles.value).toEqual([]);
  });
});

describe("thumbnails", () => {
  test("in sight come first, a few at a time, and tell what heads do", async () => {
    expect(source.keys().filter((key) => key.includes("thumbnails"))).toHaveLength(2);
    await source.answer("t1/thumbnails/self/1", thumbnail);
    expect(store.attention.score("first", { layer: 1, head: 1 })).toBeCloseTo(7 / 12);
    expect(store.attention.score("first", { layer: 0, head: 1 })).toBeUndefined();
  });
});

test("Esc lets go of one thing after the other", () => {
  const { attention, state } = store;
  attention.pin("to", 0);
  attention.cell.value = { query: 1, key: 0 };
  store.escape();
  expect(attention.cell.value).toBeNull();
  store.escape();
  expect([state.direction.value, state.position.value]).toEqual(["from", 0]);
  store.escape();
  expect(state.position.value).toBe(-1);
});
