import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LOGITS, opened, settle, traceAnswer } from "./fakes";

let source: Awaited<ReturnType<typeof opened>>["source"];
let store: Awaited<ReturnType<typeof opened>>["store"];
let read: Awaited<ReturnType<typeof opened>>["read"];

beforeEach(async () => {
  ({ source, store, read } = await opened());
  await read("t1", "one");
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const at = (ms: number) => vi.spyOn(performance, "now").mockReturnValue(ms);
const typed = () => source.keys().filter((key) => key.startsWith("text/"));

test("where reading is slower than typing, one text before is read to its end", async () => {
  for (const [ms, text] of [
    [0, "a"],
    [400, "ab"],
    [800, "abc"],
    [1200, "abcd"],
    [1600, "abcde"],
  ] as const) {
    at(ms);
    store.editor.edit(text);
  }
  expect(typed()).toEqual(["text/ab", "text/abcde"]);
  await source.answer("text/ab", traceAnswer("t2", "ab"));
  await source.answer("t2/logits/1", LOGITS);
  expect(store.trace.value?.text).toBe("ab");
  expect(store.next.value?.trace.text).toBe("ab");
  expect(store.state.text.value).toBe("abcde");
  expect(store.input.isBehind.value).toBe(true);
  at(2000);
  store.editor.edit("abcdef");
  expect(typed()).toEqual(["text/abcdef"]);
  at(2200);
  store.editor.edit("abcdefg");
  expect(typed()).toEqual(["text/abcdef", "text/abcdefg"]);
  await read("t3", "abcdefg");
  expect(store.trace.value?.text).toBe("abcdefg");
  expect(typed()).toEqual([]);
});

test("where reading is as quick, the next text ends the one before", () => {
  at(0);
  store.editor.edit("a");
  at(400);
  store.editor.edit("ab");
  expect(typed()).toEqual(["text/ab"]);
});

test("a text that was left fails without a word, and the last one is shown", async () => {
  for (const [ms, text] of [
    [0, "a"],
    [1200, "ab"],
  ] as const) {
    at(ms);
    store.editor.edit(text);
  }
  await source.fail("text/a", "no");
  expect(store.problem.value).toBeNull();
  await read("t2", "ab");
  expect(store.trace.value?.text).toBe("ab");
});

test("who must wait asks again by itself, unless something else is typed", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
  store.editor.edit("two");
  await source.fail("text/two", "Try again in 7 s.", "Busy", 7);
  expect(store.problem.value?.message).toBe("Try again in 7 s.");
  source.asked = [];
  vi.advanceTimersByTime(5000);
  expect(typed()).toEqual([]);
  vi.advanceTimersByTime(2100);
  expect(typed()).toEqual(["text/two"]);
  await source.fail("text/two", "Try again in 7 s.", "Busy", 7);
  store.editor.edit("three");
  source.asked = [];
  vi.advanceTimersByTime(8000);
  expect(typed()).toEqual([]);
  vi.useRealTimers();
  await settle();
});
