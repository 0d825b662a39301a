import { expect, test } from "vitest";
import { underKey } from "../src/protocol/keys";
import { FACTS, LOGITS, Model, SlowSource, openStore, settle, tile, traceAnswer } from "./fakes";

const EDITS = [{ do: "ablate", part: ["head", 0, 1, "self"], by: "zero" }] as const;
const UNDER = underKey(EDITS, "text/one");

/** A text under an edit, with the difference on screen. */
async function compared(side = "difference") {
  const source = new SlowSource();
  const model = new Model();
  Object.assign(model.values, { text: "one", edits: EDITS, side });
  const store = openStore(source, model);
  await source.answer("model", { model: FACTS });
  await source.answer(UNDER, traceAnswer("t1", "one"));
  await source.answer("t1/logits/1", LOGITS);
  return { source, model, store };
}

test("the difference is asked of both texts, and nothing else is drawn meanwhile", async () => {
  const { source, store } = await compared();
  expect(source.keys()).not.toContain("t1/self/head.0.0/0.0.0.max");
  expect(store.attention.trace.value).toBeNull();
  await source.answer("text/one", traceAnswer("t2", "one"));
  await source.answer("t1-t2/self/head.0.0/0.0.0.max", tile(0, 0, -0.5, 0.5));
  expect(store.attention.matrix.value?.trace.name).toEqual(["t1", "t2"]);
  expect(store.attention.matrix.value?.trace.tokens).toBe(store.trace.value?.tokens);
  // What has no difference is of the text under edits.
  store.state.mode.value = "arcs";
  await source.answer("t1/self/head.0.0/0.0.0.max", tile(1, 0, 0.5, 0.5));
  expect(store.attention.matrix.value?.trace).toBe(store.trace.value);
});

test("the text without edits is read in the place of the other", async () => {
  const { source, model, store } = await compared("edited");
  store.whatIf.turn("untouched");
  await source.answer("text/one", traceAnswer("t2", "one"));
  await source.answer("t2/logits/1", LOGITS);
  expect(store.trace.value?.name).toBe("t2");
  expect(store.whatIf.edits.value).toEqual(EDITS);
  expect(store.editor.isBehind.value).toBe(false);
  store.whatIf.toggleHead({ layer: 1, head: 0 }, "self");
  await new Promise((done) => setTimeout(done, 20));
  expect(model.get("side")).toBe("edited");
});

test("without edits there is nothing to turn to", async () => {
  const { store } = await compared();
  store.whatIf.clear();
  expect(store.whatIf.side.value).toBe("edited");
  expect(store.whatIf.turn("difference")).toBe(false);
});

test("what can't be read is said in words, and the side stays", async () => {
  class Held extends SlowSource {
    override lacks(key: string): string | null {
      return key === "text/one" ? "takes the model" : null;
    }
  }
  const source = new Held();
  const model = new Model();
  Object.assign(model.values, { text: "one", edits: EDITS });
  const store = openStore(source, model);
  await source.answer("model", { model: FACTS });
  await source.answer(UNDER, traceAnswer("t1", "one"));
  for (const side of ["untouched", "difference"] as const) {
    store.whatIf.turn(side);
    await settle();
    expect(store.problem.value?.message).toBe("takes the model");
    expect(store.whatIf.side.value).toBe("edited");
  }
});
