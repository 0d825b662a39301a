import { beforeEach, expect, test } from "vitest";
import { type SlowSource, opened, thumbnail, traceAnswer } from "./fakes";

let source: SlowSource;
let store: Awaited<ReturnType<typeof opened>>["store"];
let read: Awaited<ReturnType<typeof opened>>["read"];

beforeEach(async () => {
  ({ source, store, read } = await opened());
  store.state.telling.value = true;
});

/** Two heads of four tokens: what the last token gives to each, in shades. */
const maps = (rows: number[][], previous = 0) => ({
  shades: {
    data: Uint8Array.from(rows.flatMap((last) => [...new Array(12).fill(0), ...last])),
    shape: [2, 4, 4],
  },
  scores: { data: new Float32Array(12).fill(previous), shape: [2, 6] },
});
const MUCH = [0, 250, 0, 0];
const FIRST = [255, 90, 0, 0];
const ITSELF = [0, 80, 0, 255];
const shown = () => [store.state.layer.value, store.state.head.value];

test("is the head that looks most at a token but the first and itself", async () => {
  await read("t1", "one");
  await source.answer("t1/thumbnails/self/0", maps([FIRST, ITSELF]));
  expect(shown()).toEqual([0, 0]);
  await source.answer("t1/thumbnails/self/1", maps([ITSELF, MUCH]));
  expect(shown()).toEqual([1, 1]);
  expect(store.state.telling.value).toBe(false);
});

test("is rather one that doesn't always look at the token before", async () => {
  await read("t1", "one");
  await source.answer("t1/thumbnails/self/0", maps([MUCH, MUCH], 0.95));
  await source.answer("t1/thumbnails/self/1", maps([ITSELF, FIRST]));
  expect(shown()).toEqual([1, 1]);
});

test("comes with the next text where one tells nothing", async () => {
  await read("t1", "one");
  for (const layer of [0, 1])
    await source.answer(`t1/thumbnails/self/${layer}`, {
      ...thumbnail,
      shades: { data: new Uint8Array(8), shape: [2, 2, 2] },
    });
  expect(store.state.telling.value).toBe(true);
});

test.each<[string, () => void]>([
  ["a head was clicked, be it the first", () => store.attention.keep({ layer: 0, head: 0 })],
  ["a weight was pinned", () => store.attention.pinCell({ query: 1, key: 0 })],
  ["a head was pinned", () => store.attention.toggle({ layer: 1, head: 0 })],
  ["Python chose one", () => void (store.state.head.value = 1)],
])("stays away once %s", async (_, choose) => {
  await read("t1", "one");
  choose();
  const before = shown();
  await source.answer("t1/thumbnails/self/0", maps([FIRST, ITSELF]));
  await source.answer("t1/thumbnails/self/1", maps([ITSELF, MUCH]));
  expect(shown()).toEqual(before);
});

test("is of the text on screen", async () => {
  await read("t1", "one");
  await source.answer("t1/thumbnails/self/0", maps([MUCH, MUCH]));
  store.editor.edit("two");
  await source.answer("text/two", traceAnswer("t2", "two"));
  expect(store.state.telling.value).toBe(true);
});
