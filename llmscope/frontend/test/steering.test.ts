import { beforeEach, expect, test, vi } from "vitest";
import type { Edit } from "../src/protocol/edits";
import { LOGITS, opened, settle, traceAnswer } from "./fakes";

type Opened = Awaited<ReturnType<typeof opened>>;
let source: Opened["source"];
let store: Opened["store"];

const scales = () => store.state.edits.value.map(({ scale, factor }) => scale ?? factor);
const asked = () => source.keys().filter((key) => key.startsWith("under/"));
let count = 1;
/** The text is read under the edits that are asked for. */
const read = async () => {
  const name = `t${++count}`;
  await source.answer(asked()[0]!, traceAnswer(name, "one"));
  await source.answer(`${name}/logits/1`, LOGITS);
  await settle();
};

beforeEach(async () => {
  const all = await opened();
  ({ source, store } = all);
  await all.read("t1", "one");
  store.state.edits.value = [];
  const { steering } = store.whatIf;
  steering.type({ from: "hate", to: "love" });
  store.history.begin();
  store.whatIf.add(steering.edit(1, "self")!);
  await read();
});

test("two texts make an edit of the layer", () => {
  const [edit] = store.state.edits.value;
  const direction = ["love", "hate"];
  const part = ["layer", 1, null, "self"] as const;
  expect(edit).toEqual({ do: "steer", part, direction, scale: 1, align: "last" } satisfies Edit);
  store.whatIf.steering.type({ to: "" });
  expect(store.whatIf.steering.edit(1, "self")).toBe(null);
});

test("while a text is read only the latest amount waits", async () => {
  const { amounts } = store.whatIf;
  amounts.set(0, 2);
  expect(scales()).toEqual([2]);
  for (const amount of [3, 4, 5]) amounts.set(0, amount);
  expect(amounts.of(0)).toBe(5);
  expect(scales()).toEqual([2]);
  await settle();
  expect(asked()).toHaveLength(1);
  await read();
  expect(scales()).toEqual([5]);
  expect(asked()).toHaveLength(1);
  await read();
  expect(asked()).toHaveLength(0);
});

test("letting go asks at once", () => {
  const { amounts } = store.whatIf;
  amounts.set(0, 2);
  amounts.set(0, 3);
  amounts.flush();
  expect(scales()).toEqual([3]);
});

test("a text that is never read holds nothing up for good", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { amounts } = store.whatIf;
  amounts.set(0, 2);
  amounts.set(0, 3);
  vi.advanceTimersByTime(1500);
  vi.useRealTimers();
  expect(scales()).toEqual([3]);
});

test("a drag is one step", async () => {
  const { amounts } = store.whatIf;
  store.history.begin();
  for (const amount of [2, 3, 4]) {
    amounts.set(0, amount);
    amounts.flush();
  }
  expect(scales()).toEqual([4]);
  store.history.undo();
  expect(scales()).toEqual([1]);
  store.history.undo();
  expect(scales()).toEqual([]);
});

test("a head's factor is an amount, too", () => {
  const part = ["head", 0, 1, "self"] as const;
  store.state.edits.value = [...store.state.edits.value, { do: "scale", part, factor: 2 }];
  store.whatIf.amounts.set(1, 0.5);
  store.whatIf.amounts.flush();
  expect(scales()).toEqual([1, 0.5]);
});

test("one line is open at a time", () => {
  const { whatIf } = store;
  whatIf.ask("steering");
  expect(whatIf.steering.draft.value?.from).toBe("hate");
  whatIf.ask("source");
  expect([whatIf.steering.draft.value, whatIf.source.draft.value]).toEqual([null, "one"]);
  whatIf.ask("steering");
  expect(whatIf.source.draft.value).toBe(null);
});
