import { beforeEach, expect, test } from "vitest";
import { LOGITS, opened, settle, traceAnswer } from "./fakes";

type Opened = Awaited<ReturnType<typeof opened>>;
let source: Opened["source"];
let model: Opened["model"];
let store: Opened["store"];

const GRID = "t1/patching/-/-/1/text/two";
const part = (values: number[], whole = true) => ({
  tokens: ["t", "wo"],
  offered: [2, 0],
  labels: ["c", "a"],
  here: 3,
  there: -1,
  differ: true,
  values: { data: Float32Array.from(values), shape: [2, 2] },
  whole,
});
const later = () => new Promise((done) => setTimeout(done, 5));

beforeEach(async () => {
  const all = await opened();
  ({ source, model, store } = all);
  store.state.panels.value = [...store.state.panels.value, "patching"];
  store.state.edits.value = [];
  await all.read("t1", "one");
  store.state.patchFrom.value = "two";
  await later();
});

test("shares come layer by layer", async () => {
  const { patching } = store.whatIf;
  await source.tell(GRID, part([NaN, NaN, 1, 4], false));
  expect(patching.shown.value?.known).toBe(1);
  expect(patching.share([0, 0])).toBe(undefined);
  expect(patching.share([1, 0])).toBe(0.25);
  expect(patching.patched([1, 1])).toBe(-1);
  await source.answer(GRID, part([0, -1, 1, 4]));
  expect([patching.share([0, 0]), patching.share([0, 1])]).toEqual([0, -0.25]);
  expect(patching.isRunning.value).toBe(false);
});

test("there is no share where the texts don't differ", async () => {
  await source.answer(GRID, { ...part([1, 1, 1, 1]), there: 3, differ: false });
  expect(store.whatIf.patching.share([1, 1])).toBe(undefined);
});

test("what is patched from the second text doesn't change the grid", async () => {
  const { patching } = store.whatIf;
  await source.answer(GRID, part([0, -1, 1, 4]));
  patching.toggle([1, 0]);
  expect(patching.isPatched([1, 0])).toBe(true);
  const key = source.keys().find((one) => one.startsWith("under/"))!;
  await source.answer(key, traceAnswer("t2", "one"));
  await source.answer("t2/logits/1", LOGITS);
  await later();
  expect(source.keys().filter((one) => one.includes("/patching/"))).toEqual([]);
  expect(patching.share([1, 0])).toBe(0.25);
  expect(patching.isOld.value).toBe(false);
});

test("what is switched off is part of the text that is patched", async () => {
  await source.answer(GRID, part([0, -1, 1, 4]));
  store.state.patchFrom.value = "";
  store.whatIf.toggleHead({ layer: 0, head: 1 }, "self");
  store.state.patchFrom.value = "two";
  const key = source.keys().find((one) => one.startsWith("under/"))!;
  await source.answer(key, traceAnswer("t2", "one"));
  await source.answer("t2/logits/1", LOGITS);
  await later();
  expect(source.keys()).toContain(GRID.replace("t1", "t2"));
});

test("it is stopped, and goes on", async () => {
  const { patching } = store.whatIf;
  await source.tell(GRID, part([NaN, NaN, 1, 4], false));
  patching.stop();
  expect(source.keys()).not.toContain(GRID);
  expect([patching.isStopped.value, patching.isRunning.value]).toEqual([true, false]);
  expect(patching.share([1, 0])).toBe(0.25);
  patching.goOn();
  expect(source.keys()).toContain(GRID);
});

test("why there is none is said in its place", async () => {
  await source.fail(GRID, "no such token");
  expect(store.whatIf.patching.refused.value).toBe("no such token");
  expect(store.problem.value).toBe(null);
  model.set("effect_of", [1]);
  await settle();
  expect(source.keys()).toContain(GRID.replace("/-/-/", "/1/-/"));
  expect(store.whatIf.patching.refused.value).toBe(null);
});

test("nothing is asked for without the panel, or a second text", async () => {
  store.state.patchFrom.value = "";
  await settle();
  expect(source.keys()).not.toContain(GRID);
  expect(store.whatIf.patching.shown.value).toBe(null);
  store.state.panels.value = ["tokens"];
  store.state.patchFrom.value = "two";
  await settle();
  expect(source.keys()).not.toContain(GRID);
});
