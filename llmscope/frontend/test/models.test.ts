import { beforeEach, expect, test } from "vitest";
import type { Store } from "../src/store/store";
import { Model, SlowSource, openStore } from "./fakes";

const CHOICES = [
  { name: null, title: "usual", detail: "", ready: true, text: "The capital of France is" },
  { name: "demo:dates", title: "dates", detail: "", ready: true, text: "May 3", target: "05-03" },
  { name: "gpt2", title: "gpt2", detail: "", ready: true, text: null },
];

let source: SlowSource;
let model: Model;

beforeEach(() => {
  source = new SlowSource();
  model = new Model();
});

async function opened(text: string): Promise<Store> {
  model.values.text = text;
  const store = openStore(source, model);
  await source.answer("model", { choices: CHOICES });
  return store;
}

test("a model opens with a text that suits it, and the next one with its own", async () => {
  const store = await opened("The capital of France is");
  void store.models.load("demo:dates");
  expect([store.state.text.value, store.state.target.value]).toEqual(["May 3", "05-03"]);
  await source.fail("load/demo:dates", "no", "failed");
  void store.models.load("");
  expect([store.state.text.value, store.state.target.value]).toEqual([CHOICES[0]!.text, ""]);
});

test("a text of one's own stays", async () => {
  const store = await opened("my own");
  void store.models.load("demo:dates");
  expect(store.state.text.value).toBe("my own");
});

test("a model of which no text is known leaves what there is", async () => {
  const store = await opened("The capital of France is");
  void store.models.load("gpt2");
  expect(store.state.text.value).toBe("The capital of France is");
});
