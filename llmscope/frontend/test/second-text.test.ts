import { beforeEach, expect, test, vi } from "vitest";
import type { Edit } from "../src/protocol/edits";
import { opened, settle, traceAnswer } from "./fakes";

type Opened = Awaited<ReturnType<typeof opened>>;
let source: Opened["source"];
let store: Opened["store"];

const more = (name: string, text: string) => {
  const answer = traceAnswer(name, text);
  return { ...answer, tokens: [...answer.tokens, [2, "!", text.length, text.length, false]] };
};
const typed = async (text: string, pause = 300) => {
  store.whatIf.source.type(text);
  vi.advanceTimersByTime(pause);
  await settle();
};
const did = () => store.state.edits.value.map(({ do: done, part }) => [done, ...part].join());

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
  const all = await opened();
  ({ source, store } = all);
  await all.read("t1", "one");
  store.state.edits.value = [];
  return () => vi.useRealTimers();
});

test("a text of as many tokens is taken once that is known", async () => {
  const { source: second } = store.whatIf;
  second.open();
  expect(second.draft.value).toBe("one");
  await typed("two");
  second.take();
  expect(second.text.value).toBe("");
  await source.answer("text/two", traceAnswer("t2", "two"));
  expect(second.text.value).toBe("two");
  expect(second.draft.value).toBe(null);
});

test("what is typed is counted after a pause, and only the last", async () => {
  store.whatIf.source.open();
  await typed("tw", 100);
  await typed("two", 100);
  expect(source.keys()).not.toContain("text/tw");
  vi.advanceTimersByTime(300);
  expect(source.keys()).toContain("text/two");
});

test("a text of another length is said, and the one before stays", async () => {
  const { source: second } = store.whatIf;
  store.state.patchFrom.value = "six";
  await vi.advanceTimersByTimeAsync(1);
  await source.answer("text/six", traceAnswer("t2", "six"));
  second.open();
  await typed("three!");
  second.take();
  await source.answer("text/three!", more("t3", "three!"));
  expect(second.counts.value).toEqual({ here: 2, there: 3 });
  expect(second.text.value).toBe("six");
  second.leave();
  expect(second.draft.value).toBe(null);
  expect(second.text.value).toBe("six");
});

test("nothing is patched from a text of another length", async () => {
  store.state.patchFrom.value = "three!";
  await vi.advanceTimersByTimeAsync(1);
  await source.answer("text/three!", more("t3", "three!"));
  store.whatIf.toggleHead({ layer: 1, head: 0 }, "self");
  expect(did()).toEqual([]);
  expect(store.problem.value?.message).toContain("3 tokens and this one 2");
});

test("parts are taken from the second text while there is one", () => {
  const { whatIf, state } = store;
  const head = { layer: 1, head: 0 };
  whatIf.toggleHead(head, "self");
  expect(did()).toEqual(["ablate,head,1,0,self"]);
  state.patchFrom.value = "two";
  whatIf.toggleHead(head, "self"); // in the place of being off
  expect(did()).toEqual(["patch,head,1,0,self"]);
  expect(state.edits.value[0]!.source).toEqual(["two", "", "", [], []]);
  expect([whatIf.isOff(head, "self"), whatIf.isPatched(head, "self")]).toEqual([false, true]);
  whatIf.toggle(["mlp", 1, null, "self"]);
  whatIf.toggleHead(head, "self");
  expect(did()).toEqual(["patch,mlp,1,,self"]);
  state.patchFrom.value = "";
  whatIf.toggle(["mlp", 1, null, "self"]);
  expect(did()).toEqual(["ablate,mlp,1,,self"]);
});

test("a position of a layer is a part of its own", () => {
  const { whatIf, state } = store;
  state.patchFrom.value = "two";
  whatIf.toggle(["layer", 1, null, "self"], 0);
  whatIf.toggle(["layer", 1, null, "self"], 1);
  const positions = state.edits.value.map((edit: Edit) => edit.positions);
  expect(positions).toEqual([[[0, 0]], [[1, 1]]]);
  expect(whatIf.isPatched({ layer: 1, head: 0 }, "self")).toBe(false);
  expect(whatIf.has(["layer", 1, null, "self"], 1)).toBe(true);
  whatIf.toggle(["layer", 1, null, "self"], 0);
  expect(state.edits.value.map((edit: Edit) => edit.positions)).toEqual([[[1, 1]]]);
});

test("the second text is a step that can be taken back", () => {
  store.history.begin();
  store.state.patchFrom.value = "two";
  expect(store.history.undo()).toBe(true);
  expect(store.state.patchFrom.value).toBe("");
});
