import { expect, test, vi } from "vitest";
import { join } from "../src/store/joins";
import { PlainTraits, bindTraits } from "../src/store/traits";
import {
  FACTS,
  LOGITS,
  Model,
  SlowSource,
  line,
  openStore,
  settle,
  traceAnswer,
  tile,
} from "./fakes";

test("traits without Python tell of their changes, once each", () => {
  const traits = new PlainTraits({ layer: 1 });
  const heard: unknown[] = [];
  const hear = () => heard.push(traits.get("layer"));
  traits.on("change:layer", hear);
  traits.set("layer", 2);
  traits.set("layer", 2);
  traits.off("change:layer", hear);
  traits.set("layer", 3);
  expect(heard).toEqual([2]);
});

test("joined traits move together, whichever is moved", async () => {
  const one = new PlainTraits({ layer: 1, heads: [], text: "a" });
  const other = new PlainTraits({ layer: 1, heads: [], text: "b" });
  join(one, other, ["layer", "heads"]);
  const { signals } = bindTraits<{ layer: number }>(other, { layer: "layer" });
  one.set("layer", 2);
  expect(signals.layer.value).toBe(2);
  signals.layer.value = 5;
  await vi.waitFor(() => expect(one.get("layer")).toBe(5));
  other.set("heads", [[0, 1]]);
  expect(one.get("heads")).toEqual([[0, 1]]);
  expect(one.get("text")).toBe("a");
});

/** Holds head 0·0, and the next token after the last of two tokens. */
class Holding extends SlowSource {
  override lacks(key: string): string | null {
    const held = /\/(self\/head\.0\.0\/.*|logits\/1)$/.test(key) || !key.includes("/");
    return held ? null : `no ${key}`;
  }
}

async function partial() {
  const source = new Holding();
  const model = new Model();
  const store = openStore(source, model);
  await source.answer("model", { model: FACTS });
  await source.answer("text/one", traceAnswer("t1", "one"));
  await source.answer("t1/logits/1", LOGITS);
  await source.answer("t1/self/head.0.0/0.0.0.max", tile(1, 0, 0.5, 0.5));
  return { source, store };
}

test("what a source lacks is told in words, and not asked for", async () => {
  const { source, store } = await partial();
  expect(store.lacking.value).toBeNull();
  expect(store.attention.lacking.value).toBeNull();
  store.pin(0);
  store.state.head.value = 1;
  await settle();
  expect(store.lacking.value).toBe("no t1/logits/0");
  expect(store.attention.lacking.value).toBe("no t1/self/head.0.1/row.0");
  store.state.mode.value = "steps";
  await settle();
  expect(store.attention.lacking.value).toBe("no t1/steps/self/0/1/0");
  expect(source.keys().filter((key) => source.lacks(key) && !key.includes("thumb"))).toEqual([]);
  expect(store.problem.value).toBeNull();
});

test("a head that the source lacks is not previewed", async () => {
  const { store } = await partial();
  store.attention.preview.value = { layer: 1, head: 1 };
  expect(store.attention.shown.value).toEqual({ layer: 0, head: 0 });
});

test("coming back to what is there shows it again", async () => {
  const { source, store } = await partial();
  store.pin(0);
  await settle();
  store.pin(1);
  await settle();
  expect(store.lacking.value).toBeNull();
  expect(store.next.value?.position).toBe(1);
  expect(source.keys()).not.toContain("t1/logits/0");
});

test("panels that show no next token ask for none", async () => {
  const source = new SlowSource();
  const model = new Model();
  Object.assign(model.values, { _panels: ["attention"], _editable: false });
  const store = openStore(source, model);
  await source.answer("model", { model: FACTS });
  await source.answer("text/one", traceAnswer("t1", "one"));
  expect(source.keys()).toEqual(["t1/self/head.0.0/0.0.0.max"]);
  await source.answer("t1/self/head.0.0/0.0.0.max", line(1));
  expect(store.next.value).toBeNull();
});
