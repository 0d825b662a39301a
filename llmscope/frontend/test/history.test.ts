import { beforeEach, expect, test } from "vitest";
import { opened, settle } from "./fakes";

let model: Awaited<ReturnType<typeof opened>>["model"];
let store: Awaited<ReturnType<typeof opened>>["store"];

beforeEach(async () => {
  ({ model, store } = await opened());
});

const gesture = (act: () => void) => {
  store.history.begin();
  act();
};

test("a drag is taken back at once, gesture by gesture", () => {
  const { temperature, topK } = store.state;
  gesture(() => [0.9, 0.8, 0.7].forEach((value) => (temperature.value = value)));
  gesture(() => (topK.value = 40));
  expect(store.history.undo()).toBe(true);
  expect([temperature.value, topK.value]).toEqual([0.7, 0]);
  store.history.undo();
  expect([temperature.value, topK.value]).toEqual([1, 0]);
  expect(store.history.undo()).toBe(false);
});

test("a preset is one step, and pinned heads are steps too", () => {
  const { topP, temperature, heads } = store.state;
  gesture(() => store.set({ temperature: 0.2, topP: 0.5 }));
  gesture(() => store.attention.toggle({ layer: 1, head: 0 }));
  store.history.undo();
  expect(heads.value).toEqual([]);
  store.history.undo();
  expect([temperature.value, topP.value]).toEqual([1, 1]);
});

test("what came back to where it was is no step", () => {
  const { temperature, topK } = store.state;
  gesture(() => (topK.value = 3));
  gesture(() => [0.5, 1].forEach((value) => (temperature.value = value)));
  store.history.undo();
  expect(topK.value).toBe(0);
});

test("what Python sets isn't taken back", async () => {
  const { temperature, topK } = store.state;
  gesture(() => (topK.value = 3));
  await settle();
  store.history.begin();
  model.set("temperature", 0.3);
  store.history.undo();
  expect([temperature.value, topK.value]).toEqual([0.3, 0]);
});
