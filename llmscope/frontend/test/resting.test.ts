/** While a text writes itself, what shows its attention is at rest, and says so. */

import { expect, test, vi } from "vitest";
import { FACTS, Model, SlowSource, openStore, settle, traceAnswer } from "./fakes";

const prompt = [[9, "one", 0, 0, false]];
const node = (number: number) => ({
  number,
  parent: number - 1,
  token: number,
  logprob: -1,
  prob: 0.5,
  rank: 0,
  forced: false,
  depth: number,
  label: `t${number}`,
  text: ` ${number}`,
});
const written = (count: number, ended = false) => ({
  source: [],
  prompt,
  nodes: Array.from({ length: count }, (_, at) => node(at + 1)),
  count,
  current: count,
  ended,
  can_undo: count > 0,
  seed: 0,
});

test("a trace is at rest while the text goes on, and no longer than that", async () => {
  const source = new SlowSource();
  const model = new Model();
  const playing = { playing: false, seed: 0, do_sample: true, max_new_tokens: 8, speed: 0 };
  Object.assign(model.values, { _panels: ["generation", "attention"], ...playing });
  const { input, state, trace } = openStore(source, model);
  await source.answer("model", { model: FACTS });
  await source.answer("write/begin/one", written(0));
  await source.answer("ids//9", traceAnswer("t1", "one"));
  const { length } = trace.value!.tokens;
  await new Promise((done) => setTimeout(done, 500));
  expect(input.resting.value).toBe(null);

  state.playing.value = true;
  await settle();
  expect(input.resting.value, "it may be over in a moment").toBe(null);
  await vi.waitFor(() => expect(input.resting.value).toBe(length));
  for (const key of source.keys().filter((one) => /write\/(step|on)/.test(one)))
    await source.answer(key, written(2, true));
  await settle();
  expect(input.resting.value, "the text that is there isn't read yet").toBe(length);
  await source.answer("ids//9,1,2", traceAnswer("t2", "one 1 2"));
  expect(trace.value!.name).toBe("t2");
  expect(input.resting.value).toBe(null);
});
