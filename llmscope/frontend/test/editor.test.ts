import { beforeEach, describe, expect, test } from "vitest";
import { type TraceAnswer, traceOf } from "../src/protocol/answers";
import type { Store } from "../src/store/store";
import { carried } from "../src/store/text-input";
import { FACTS, LOGITS, Model, SlowSource, openStore, traceAnswer } from "./fakes";

/** "the dog sleeps" between [CLS] and [SEP]. */
const answer = (name: string, text: string, masked: number[] = []) => {
  const words = [...text.matchAll(/\s*\S+/g)].map(({ 0: word, index }) => [index, word] as const);
  const own = words.map(([start, word], id) => [id, word, start, start + word.length, false]);
  const tokens = [[9, "[CLS]", 0, 0, true], ...own, [9, "[SEP]", text.length, text.length, true]];
  return { ...traceAnswer(name, text), tokens, masked, gaps: masked, last: tokens.length - 1 };
};
const trace = traceOf(answer("t1", "the dog sleeps") as unknown as TraceAnswer, "");

describe("masked tokens keep their words", () => {
  test.each([
    ["when something is put before them", "all the dog sleeps", [-3]],
    ["when something is put behind them", "the dog sleeps well", [2]],
    ["unless they are changed", "the dogs sleeps", []],
    ["unless they are gone", "the sleeps", []],
  ])("%s", (_, text, expected) => {
    expect(carried(trace, [2], "text", text)).toEqual(expected);
  });
});

describe("a model that fills gaps", () => {
  let source: SlowSource;
  let model: Model;
  let store: Store;
  const read = async (key: string, of: ReturnType<typeof answer>, at: number) => {
    await source.answer(key, of);
    await source.answer(`${of.trace}/logits/${at}`, LOGITS);
  };

  beforeEach(async () => {
    source = new SlowSource();
    model = new Model();
    model.values.text = "the dog sleeps";
    store = openStore(source, model);
    await source.answer("model", { model: { ...FACTS, family: "masked" } });
    await read("text/the dog sleeps", answer("t1", "the dog sleeps"), 4);
  });

  test("masks a token and shows it again", async () => {
    store.editor.mask(2);
    expect([store.state.masked.value, store.focus.value]).toEqual([[2], 2]);
    expect(store.input.isBehind.value).toBe(true);
    await read('read/["the dog sleeps","","",[2]]', answer("t2", "the dog sleeps", [2]), 2);
    expect(store.input.isBehind.value).toBe(false);
    store.editor.mask(2);
    expect(store.state.masked.value).toEqual([]);
  });

  test("masks nothing that the tokenizer put there", () => {
    store.editor.mask(0);
    expect(store.state.masked.value).toEqual([]);
  });

  test("takes a token into the gap, and gives it back", async () => {
    store.editor.mask(2);
    await read('read/["the dog sleeps","","",[2]]', answer("t2", "the dog sleeps", [2]), 2);
    expect(store.editor.target.value).toBe("text");
    store.editor.insert(" cat");
    expect([store.state.text.value, store.state.masked.value]).toEqual(["the cat sleeps", []]);
    expect(store.editor.undo()).toBe(true);
    expect([store.state.text.value, store.state.masked.value]).toEqual(["the dog sleeps", [2]]);
    store.editor.edit("the dog sleeps well");
    expect(store.editor.undo()).toBe(false);
  });

  test("turns to a gap that is typed, and learns where masks from the end stand", async () => {
    model.set("masked", [-3]);
    await read('read/["the dog sleeps","","",[-3]]', answer("t2", "the dog sleeps", [2]), 2);
    expect([store.state.masked.value, store.focus.value]).toEqual([[2], 2]);
    expect(source.keys().filter((key) => key.startsWith("read/"))).toEqual([]);
  });
});
