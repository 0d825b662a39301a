import { expect, test } from "vitest";
import { apart } from "../src/panels/next-token/beside";
import { sample, sortLogits } from "../src/sampling/sampling";
import type { NextToken } from "../src/store/state";
import { FACTS, LOGITS, Model, SlowSource, openStore, settle, tile, traceAnswer } from "./fakes";

const ROWS = {
  rows: { data: Int32Array.of(0, 1, 0, 1, 1, 1, 2, 1, 2, 0), shape: [2, 5] },
  pairs: { data: Int32Array.of(0, 0), shape: [1, 2] },
  source_pairs: { data: new Int32Array(), shape: [0, 2] },
  one_vocabulary: true,
};

/** Two texts of two tokens each, with their difference on screen. */
async function compared(side = "difference") {
  const source = new SlowSource();
  const model = new Model();
  const own = { _panels: ["texts", "overview", "attention", "next-token"], _telling: true };
  const other = { other_text: "two", other_pair: "", other_target: "", other_masked: [] };
  Object.assign(model.values, {
    text: "one",
    side,
    other_edits: [],
    anchors: [],
    ...other,
    ...own,
  });
  const store = openStore(source, model);
  await source.answer("model", { model: FACTS });
  await source.answer("other/model", { model: { ...FACTS, name: "other" } });
  await source.answer("text/one", traceAnswer("t1", "one"));
  await source.answer("t1/logits/1", LOGITS);
  return { source, model, store, comparing: store.comparing! };
}

test("the other text is read beside the one on screen, and the two are aligned", async () => {
  const { source, store, comparing } = await compared();
  expect(store.attention.trace.value).toBeNull();
  await source.answer("other/text/two", traceAnswer("t2", "two"));
  await source.answer("t2/logits/1", LOGITS);
  expect(comparing.beside.value?.trace.name).toBe("t2");
  await source.answer("t1-t2/rows", ROWS);
  expect(comparing.difference.value?.tokens).toHaveLength(1);
  await source.answer("t1-t2/self/head.0.0/0.0.0.max", tile(0));
  expect(store.attention.matrix.value?.trace.name).toEqual(["t1", "t2"]);
  // It begins where heads are farthest apart.
  const distances = { data: Float32Array.of(0.1, 0.2, 0.6, 0.3), shape: [2, 2] };
  await source.answer("t1-t2/distances/self", { distances });
  expect([store.state.layer.value, store.state.head.value]).toEqual([1, 0]);
});

test("typing in either text keeps the trace of the other", async () => {
  const { source, store, comparing } = await compared();
  await source.answer("other/text/two", traceAnswer("t2", "two"));
  comparing.editorOfA.edit("ones");
  await settle();
  await source.answer("text/ones", traceAnswer("t3", "ones"));
  await source.answer("t3/logits/1", LOGITS);
  expect(source.keys().filter((key) => key.startsWith("other/text"))).toEqual([]);
  expect([comparing.a.value?.name, comparing.b.value?.name]).toEqual(["t3", "t2"]);
  comparing.editor.edit("twos");
  await settle();
  await source.answer("other/text/twos", traceAnswer("t4", "twos"));
  expect(comparing.b.value?.name).toBe("t4");
  expect(store.trace.value?.name).toBe("t3");
  // An empty text is no problem.
  comparing.editor.edit("");
  await settle();
  expect(comparing.b.value).toBeNull();
  expect(store.problem.value).toBeNull();
});

test("B is on screen with its own model, and what is typed goes there", async () => {
  const { source, store, comparing } = await compared();
  await source.answer("other/text/two", traceAnswer("t2", "two"));
  await source.answer("t1-t2/rows", ROWS);
  expect(comparing.flip("second")).toBe(true);
  await source.answer("other/text/two", traceAnswer("t2", "two"));
  await source.answer("t2/logits/1", LOGITS);
  expect(store.trace.value?.name).toBe("t2");
  expect(store.model.value?.name).toBe("other");
  store.editor.edit("twos");
  expect(store.state.otherText.value).toBe("twos");
  store.vocabulary.label(2);
  expect(source.keys()).toContain("other/token/2");
});

test("a token is pinned on both sides, and one that only B has in B", async () => {
  const { source, store, comparing } = await compared();
  await source.answer("other/text/two", traceAnswer("t2", "two"));
  const alone = { data: Int32Array.of(0, 2, 0, 1, 1, 2, 2, 1, 2, 0), shape: [2, 5] };
  await source.answer("t1-t2/rows", { ...ROWS, rows: alone });
  comparing.pin("b", 0);
  expect(store.state.position.value).toBe(1);
  expect([comparing.focusOf("a"), comparing.focusOf("b")]).toEqual([1, 0]);
  comparing.pin("b", 1);
  expect([store.state.side.value, store.state.position.value]).toEqual(["b", 1]);
});

test("two tokens are aligned by hand, and what they cross is given up", async () => {
  const { source, store, comparing } = await compared();
  await source.answer("other/text/two", traceAnswer("t2", "two"));
  await source.answer("t1-t2/rows", ROWS);
  comparing.hold("a", 0);
  comparing.hold("b", 1);
  expect(store.state.anchors.value).toEqual([[0, 1]]);
  await settle();
  expect(source.keys()).toContain("t1-t2~0.1/rows");
  comparing.align([1, 0]);
  expect(store.state.anchors.value).toEqual([[1, 0]]);
  comparing.release(comparing.anchors.value[0]!);
  expect(store.state.anchors.value).toEqual([]);
});

test("heads of other models are not held against each other", async () => {
  const { source, store, comparing } = await compared();
  const other = { ...traceAnswer("t2", "two"), kinds: { self: [[0, 3, 3]] } };
  await source.answer("other/text/two", other);
  await source.answer("t1-t2/rows", ROWS);
  expect(comparing.why.value).toContain("aren't matched");
  expect(store.attention.lacking.value).toContain("aren't matched");
  expect(source.keys().filter((key) => key.includes("distances"))).toEqual([]);
});

test("how far two distributions are apart is counted over the whole vocabulary", () => {
  const of = (...logits: number[]): NextToken => ({
    trace: {} as never,
    position: 0,
    sorted: sortLogits(Float32Array.from(logits)),
    texts: [],
    labels: [],
    known: logits.length,
  });
  const logits = [
    [1, 2, 3, 0],
    [3, 2, 1, 0],
  ];
  const [a, b] = [of(...logits[0]!), of(...logits[1]!)];
  const kl = (x: number[], y: number[]) =>
    x.reduce((sum, value, id) => sum + (value > 0 ? value * Math.log2(value / y[id]!) : 0), 0);
  const settings = { temperature: 1, topK: 0, topP: 1, minP: 0, typicalP: 1 };
  for (const more of [{}, { temperature: 0.6 }, { topK: 2 }, { temperature: 0 }]) {
    const chosen = { ...settings, ...more, order: "transformers" as const };
    const both = [a, b].map((one) => [one, sample(one.sorted, chosen)] as const);
    const found = apart(both[0]!, both[1]!, chosen.temperature);
    const [p, q] = both.map(([{ sorted }, { probs }]) =>
      [0, 1, 2, 3].map((id) => probs[sorted.rank[id]!] ?? 0),
    ) as [number[], number[]];
    const same = (x: number, y: number) =>
      y === Infinity ? expect(x).toBe(y) : expect(x).toBeCloseTo(y, 10);
    same(found.klAb, kl(p, q));
    same(found.klBa, kl(q, p));
    same(found.moved, p.reduce((sum, x, id) => sum + Math.abs(x - q[id]!), 0) / 2);
    expect([found.gained, found.lost]).toEqual([[2], [0]]);
    const none = { moved: 0, klAb: 0, klBa: 0, gained: [], lost: [] };
    expect(apart(both[0]!, both[0]!, chosen.temperature)).toMatchObject(none);
  }
});
