import { beforeEach, expect, test } from "vitest";
import type { TreeNode } from "../src/protocol/answers";
import { type GenerationStore, shadeOf } from "../src/store/generation";
import type { Store } from "../src/store/store";
import { FACTS, LOGITS, Model, SlowSource, openStore, settle, traceAnswer } from "./fakes";

let source: SlowSource;
let model: Model;
let store: Store;
let writing: GenerationStore;

const row = (number: number, parent: number, more: Partial<TreeNode> = {}): TreeNode => ({
  number,
  parent,
  token: number,
  logprob: -1,
  prob: 0.5,
  rank: 0,
  forced: false,
  depth: parent + 1,
  label: `t${number}`,
  text: ` ${number}`,
  ...more,
});
const state = (nodes: TreeNode[], count: number, current = count, ended = false) => ({
  source: [],
  prompt: [[9, "one", 0, 0, false]],
  nodes,
  count,
  current,
  ended,
  can_undo: count > 0,
  seed: 0,
});

beforeEach(async () => {
  source = new SlowSource();
  model = new Model();
  Object.assign(model.values, {
    _panels: ["generation", "attention", "next-token"],
    playing: false,
    seed: 0,
    do_sample: true,
    max_new_tokens: 8,
    speed: 0,
    shade: "probability",
  });
  store = openStore(source, model);
  await source.answer("model", { model: FACTS });
  writing = store.generation!;
  await source.answer("write/begin/one", state([], 0));
});

const steps = () => source.keys().filter((key) => /write\/(step|on)\//.test(key));

test("a step puts its token behind the others", async () => {
  void writing.step();
  await source.answer("write/step/1", state([row(1, 0)], 1));
  void writing.step();
  await source.answer("write/step/1", state([row(2, 1)], 2));
  expect(writing.path.value.map(({ number }) => number)).toEqual([1, 2]);
});

test("it plays with many steps ahead; a pause drops them and asks where it stands", async () => {
  store.state.playing.value = true;
  await settle();
  // The first begins what one undo takes back.
  expect(steps()).toEqual(["write/step/16", "write/on/16"]);
  await source.tell("write/step/16", state([row(1, 0)], 1));
  expect(writing.path.value).toHaveLength(1);
  await source.answer("write/step/16", state([row(2, 1)], 2));
  expect(writing.path.value).toHaveLength(2);
  expect(steps()).toEqual(["write/on/16", "write/on/16"]);
  writing.stop();
  await settle();
  expect(steps()).toHaveLength(0);
  expect(store.state.playing.value).toBe(false);
  await source.answer("write/begin/one", state([row(1, 0), row(2, 1)], 2));
  expect(writing.path.value).toHaveLength(2);
  expect(store.problem.value).toBeNull();
});

test("the end of the text ends the play", async () => {
  model.set("playing", true);
  await settle();
  while (steps().length > 0) await source.answer(steps()[0]!, state([], 0, 0, true));
  expect(store.state.playing.value).toBe(false);
});

test("an error ends the play and is told, and the next step works", async () => {
  model.set("playing", true);
  await settle();
  await source.fail("write/step/16", "out of memory");
  while (steps().length > 0) await source.answer(steps()[0]!, state([row(1, 0)], 1));
  await source.answer("write/begin/one", state([row(1, 0)], 1));
  await source.answer("ids//9,1", traceAnswer("t1", "one 1"));
  expect(store.problem.value?.message).toBe("out of memory");
  expect(store.state.playing.value).toBe(false);
  void writing.step();
  expect(store.problem.value).toBeNull();
  await source.answer("write/step/1", state([row(2, 1)], 2));
  expect(writing.path.value).toHaveLength(2);
});

test("forcing a token branches before the one that is looked at", async () => {
  void writing.step();
  await source.answer("write/step/1", state([row(1, 0), row(2, 1)], 2));
  writing.look(2);
  expect(writing.shown.value).toBe(1);
  expect(store.state.position.value).toBe(1);
  void writing.force(7);
  await source.answer("write/force/1/7", state([row(3, 1, { forced: true })], 3));
  expect(writing.path.value.map(({ number }) => number)).toEqual([1, 3]);
  expect(writing.selected.value).toBeNull();
  expect(writing.commonAncestor(2, 3)).toBe(1);
  void writing.undo();
  await source.answer("write/undo", state([], 2));
  expect(writing.path.value.map(({ number }) => number)).toEqual([1, 2]);
});

test("the token in focus, wherever it is moved, is the one that chose what is looked at", async () => {
  void writing.step();
  await source.answer("write/step/1", state([row(1, 0), row(2, 1), row(3, 2)], 3));
  model.set("position", 1);
  expect(writing.selected.value).toBe(2);
  expect(writing.shown.value).toBe(1);
  for (const none of [0, 3, -1]) {
    model.set("position", none);
    expect(writing.selected.value).toBe(none === 0 ? 1 : null);
  }
  model.set("position", 2);
  void writing.step();
  expect(store.state.position.value).toBe(-1);
});

test("a token of the other path is looked at in its own text", async () => {
  void writing.step();
  await source.answer(
    "write/step/1",
    state([row(1, 0), row(2, 1), row(3, 1), row(4, 3, { depth: 3 })], 4, 2),
  );
  expect(store.state.path.value).toBe("ids//9,1,2");
  writing.compare(4);
  writing.look(4, 4);
  expect(writing.selected.value).toBe(4);
  expect(writing.shown.value).toBe(3);
  expect(store.state.path.value).toBe("ids//9,1,3,4");
  expect(store.state.position.value).toBe(2);
  writing.look(2);
  expect(store.state.path.value).toBe("ids//9,1,2");
  expect(writing.selected.value).toBe(2);
});

test("the distribution shown is that before the token, asked for one at a time", async () => {
  void writing.step();
  await source.answer("write/step/1", state([row(1, 0)], 1));
  expect(source.keys().filter((key) => key.startsWith("write/logits"))).toHaveLength(1);
  await source.answer("write/logits/0", LOGITS);
  await source.answer("write/logits/1", LOGITS);
  expect(store.next.value?.position).toBe(1);
  expect(store.next.value?.trace.tokens.map(({ label }) => label)).toEqual(["one", "t1"]);
});

test("what was written is traced once it rests", async () => {
  expect(source.keys()).toContain("ids//9");
  void writing.step();
  await settle();
  expect(source.keys()).not.toContain("ids//9");
  await source.answer("write/step/1", state([row(1, 0)], 1));
  await source.answer("ids//9,1", traceAnswer("t1", "one 1"));
  expect(store.trace.value?.name).toBe("t1");
  expect(store.input.isBehind.value).toBe(false);
});

test("tokens are shaded from 0 to 1", () => {
  const likely = row(1, 0, { logprob: 0, rank: 0 });
  const odd = row(1, 0, { logprob: -30, rank: 40_000 });
  expect(shadeOf(likely, "probability")).toBe(1);
  expect([shadeOf(likely, "surprisal"), shadeOf(likely, "rank")].map(Math.abs)).toEqual([0, 0]);
  expect([shadeOf(odd, "surprisal"), shadeOf(odd, "rank")]).toEqual([1, 1]);
});

test("a token that stands there already changes nothing; one of another branch is gone to", async () => {
  void writing.step();
  await source.answer(
    "write/step/1",
    state([row(1, 0), row(2, 1), row(3, 2, { depth: 3 }), row(4, 1, { depth: 2 })], 4, 3),
  );
  writing.look(2);
  await writing.force(2);
  expect(source.keys().filter((key) => key.startsWith("write/force"))).toEqual([]);
  expect(writing.path.value.map(({ number }) => number)).toEqual([1, 2, 3]);
  void writing.force(4);
  await source.answer("write/select/4", state([], 4, 4));
  expect(writing.path.value.map(({ number }) => number)).toEqual([1, 4]);
});

test("without a prompt nothing is left, and what comes late is dropped", async () => {
  await source.answer("write/logits/0", LOGITS);
  void writing.step();
  await source.answer("write/step/1", state([row(1, 0)], 1));
  await source.answer("ids//9,1", traceAnswer("t1", "one 1"));
  expect(store.trace.value?.name).toBe("t1");
  void writing.step();
  model.set("text", "");
  await source.answer("write/step/1", state([row(2, 1)], 2));
  expect([writing.prompt.value, writing.path.value, writing.canUndo.value]).toEqual([
    null,
    [],
    false,
  ]);
  expect([store.trace.value, store.next.value]).toEqual([null, null]);
  model.set("text", "two");
  await source.answer("write/begin/two", state([row(5, 0)], 1, 5));
  expect(writing.path.value).toHaveLength(1);
});

test("an error of the next token ends the play and stays, and no other token's is shown", async () => {
  await source.answer("write/logits/0", LOGITS);
  expect(store.next.value).not.toBeNull();
  model.set("playing", true);
  await settle();
  await source.tell("write/step/16", state([row(1, 0)], 1));
  await source.fail("write/logits/1", "out of memory");
  expect(store.state.playing.value).toBe(false);
  await source.answer("write/begin/one", state([row(1, 0)], 1));
  expect(store.problem.value?.message).toBe("out of memory");
  expect(store.next.value).toBeNull();
});

test("an error of a token that was taken back meanwhile ends no play", async () => {
  await source.answer("write/logits/0", LOGITS);
  void writing.step();
  await source.answer("write/step/1", state([row(1, 0)], 1));
  expect(source.keys()).toContain("write/logits/1");
  void writing.undo();
  await source.answer("write/undo", state([], 0));
  store.state.playing.value = true;
  await source.fail("write/logits/1", "There is no node 1 in this tree.");
  await settle();
  expect(store.state.playing.value).toBe(true);
  expect(store.problem.value).toBe(null);
});

test("a text that can't be read has no attention of another", async () => {
  await source.answer("ids//9", traceAnswer("t0", "one"));
  void writing.step();
  await source.answer("write/step/1", state([row(1, 0)], 1));
  await source.fail("ids//9,1", "out of memory");
  expect([store.trace.value, store.attention.matrix.value]).toEqual([null, null]);
  expect(store.problem.value?.message).toBe("out of memory");
});

test("what came from a kernel that is gone stays", async () => {
  await source.answer("write/logits/0", LOGITS);
  void writing.step();
  await source.answer("write/step/1", state([row(1, 0)], 1));
  await source.fail("write/logits/1", "The kernel is gone.", "gone");
  expect(store.next.value).not.toBeNull();
  expect(store.problem.value?.kind).toBe("gone");
});

test("a number that was undone isn't used again, and what is on screen follows", async () => {
  void writing.step();
  await source.answer("write/step/1", state([row(1, 0)], 1));
  void writing.step();
  await source.answer("write/step/1", state([row(2, 1)], 2));
  writing.hovered.value = 2;
  writing.compare(2);
  void writing.undo();
  await source.answer("write/undo", state([], 1, 1));
  expect(writing.hovered.value).toBeNull();
  expect(writing.compared.value).toEqual([]);
  void writing.step();
  await source.answer("write/step/1", state([row(3, 1)], 2, 3));
  expect(writing.path.value.map(({ number }) => number)).toEqual([1, 3]);
  expect(writing.node(2)).toBeUndefined();
  writing.look(3);
  expect(writing.selected.value).toBe(3);
});
