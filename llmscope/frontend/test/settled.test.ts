import { beforeEach, expect, test, vi } from "vitest";
import { type Model, type SlowSource, LOGITS, opened, thumbnail, tile, traceAnswer } from "./fakes";
import type { Store } from "../src/store/store";

let source: SlowSource;
let store: Store;
let model: Model;

beforeEach(async () => {
  ({ source, store, model } = await opened());
});

const frames = (count: number) => vi.waitFor(() => waited(count));
/** Long enough for whatever would settle to settle. */
const waited = (count: number) =>
  new Promise<void>((done) => {
    const next = (left: number) => (left ? requestAnimationFrame(() => next(left - 1)) : done());
    next(count);
  });
const isSettled = () => vi.waitFor(() => expect(store.settled.value).toBe(true));

async function answerAll(name: string, text: string) {
  await source.answer(`text/${text}`, traceAnswer(name, text));
  await source.answer(`${name}/logits/1`, LOGITS);
  await source.answer(`${name}/self/head.0.0/0.0.0.max`, tile(1, 0, 0.5, 0.5));
  for (const layer of [0, 1]) await source.answer(`${name}/thumbnails/self/${layer}`, thumbnail);
  await source.answer(`${name}/chain`, {
    logprobs: LOGITS.logits,
    ranks: LOGITS.ids,
    perplexity: 1,
  });
}

test("a view has settled once all that it asked for is there", async () => {
  await frames(8);
  expect(store.settled.value).toBe(false);
  await answerAll("t1", "one");
  expect(source.keys()).toEqual([]);
  await isSettled();
});

test("whatever is asked for, set or done on screen unsettles it, until that is over", async () => {
  await answerAll("t1", "one");
  await isSettled();
  store.editor.edit("two");
  expect(store.settled.value).toBe(false);
  await frames(8);
  expect(store.settled.value).toBe(false);
  await answerAll("t2", "two");
  await isSettled();
  store.state.temperature.value = 0.5;
  expect(store.settled.value).toBe(false);
  await isSettled();
  expect(model.values.temperature).toBe(0.5); // Python has heard of it, too.
  store.touch();
  expect(store.settled.value).toBe(false);
  await isSettled();
});

test("an answer that never comes is waited for until it is given up", async () => {
  await answerAll("t1", "one");
  const stop = new AbortController();
  store.vocabulary.search("x", stop.signal).catch(() => {});
  await frames(8);
  expect(store.settled.value).toBe(false);
  stop.abort();
  await isSettled();
});
