import { onTestFinished } from "vitest";
import type { Part } from "../src/protocol/source";
import { formatKey, stepTrace } from "../src/protocol/keys";
import type { TrainingAnswer } from "../src/protocol/training";
import { StepsSource } from "../src/sources/steps";
import { Store } from "../src/store/store";
import { FACTS, Model, SlowSource, settle, thumbnail, traceAnswer } from "./fakes";

/** A weight of two bytes that is decoded to (almost) itself: the distance to 0 or, above a half, to 1. */
function code(weight: number): number {
  const isHigh = weight > 0.5;
  const float = new Float32Array([isHigh ? 1 - weight : weight]);
  const bits = new Uint32Array(float.buffer)[0]!;
  const size = float[0] === 0 ? 0 : (bits >>> 13) - (95 << 10);
  return size | (isHigh ? 0x8000 : 0);
}

/** What is kept of a step: two tokens, two layers of two heads that look at the first with `weight`. */
export function stepContent(run: number, step: number, weight = 0.25, probes = 1): Part {
  const made = Array.from({ length: probes }, (_, probe) => {
    const trace = stepTrace({ run, step, probe });
    const cells = Array.from({ length: 4 }, (_, head) => [1, head === 3 ? weight / 2 : weight])
      .map(([first, second]) => [first!, second!, 1 - second!])
      .flat()
      .map(code);
    return {
      input: formatKey({ type: "step_input", run, step, probe }),
      answers: {
        [formatKey({ type: "step_input", run, step, probe })]: traceAnswer(trace, "one"),
        [`${trace}/chain`]: {
          logprobs: { data: Float32Array.of(NaN, -step), shape: [2] },
          ranks: { data: Float32Array.of(NaN, 0), shape: [2] },
          perplexity: 1 + step,
        },
        [`${trace}/thumbnails/self/0`]: thumbnail,
        [`${trace}/thumbnails/self/1`]: thumbnail,
      },
      matrices: {
        trace,
        kind: "self",
        queries: 2,
        keys: 2,
        triangular: true,
        names: ["head.0.0", "head.0.1", "head.1.0", "head.1.1"],
        codes: {
          data: Uint8Array.from([
            ...cells.map((one) => one >> 8),
            ...cells.map((one) => one & 255),
          ]),
          shape: [2, 4, 3],
        },
      },
      logits: {
        trace,
        vocabulary: 3,
        positions: [1],
        ids: { data: Int32Array.of(2, 1, 0), shape: [1, 3] },
        logits: { data: Float32Array.of(3 + step, 2, 1), shape: [1, 3] },
        highest: { data: Float32Array.of(0), shape: [1] },
        lowest: { data: Float32Array.of(0), shape: [1] },
        counts: { data: new Int32Array(1), shape: [1, 1] },
      },
    };
  });
  return {
    answers: Object.assign({}, ...made.map(({ answers }) => answers)),
    matrices: made.map(({ matrices }) => matrices),
    logits: made.map(({ logits }) => logits),
    labels: { ids: { data: Int32Array.of(0, 1, 2), shape: [3] }, labels: ["a", "b", "c"] },
    words: {
      heads: "no such head",
      positions: "only at the end",
      steps: "no steps",
      lens: "no lens",
    },
  };
}

const floats = (...values: number[]) => ({
  data: Float32Array.from(values),
  shape: [values.length],
});

/** What is known of a training with these kept steps. */
export function trainingAnswer(
  steps: number[],
  more: Partial<TrainingAnswer["runs"][number]> = {},
  runs = 1,
): TrainingAnswer {
  const last = steps.at(-1) ?? -1;
  const logged = Array.from({ length: last + 1 }, (_, step) => step);
  const none = floats(...logged.map(() => NaN));
  const run = {
    name: "watched",
    model: { model: FACTS as never },
    probes: [
      { label: "one", positions: [1], tokens: ["o", "ne"], kinds: { self: [2, 2] } } as never,
      { label: "two", positions: [0, 1], tokens: ["t", "wo"], kinds: { self: [2, 2] } } as never,
    ],
    steps: { data: Int32Array.from(steps), shape: [steps.length] },
    log: {
      step: { data: Int32Array.from(logged), shape: [logged.length] },
      loss: floats(...logged.map((step) => 4 / (1 + step))),
      learning_rate: floats(...logged.map(() => 0.001)),
      grad_norm: none,
      eval_loss: none,
      seconds: floats(...logged.map((step) => step / 10)),
    },
    state: "training" as const,
    total: 100,
    notes: [],
    bytes: 1e6,
    ...more,
  };
  return { runs: Array.from({ length: runs }, (_, number) => ({ ...run, name: `run ${number}` })) };
}

export const TRAINING = {
  run: 0,
  step: -1,
  probe: 0,
  held: -1,
  held_run: 0,
  side: "edited",
  _editable: false,
  _panels: ["training", "tokens", "overview", "attention", "next-token"],
};

/** A store over a training whose answers the test gives. */
export async function trained(
  traits: Record<string, unknown> = {},
  known = trainingAnswer([0, 1, 2, 4, 8]),
  source = new SlowSource(),
) {
  const model = new Model();
  Object.assign(model.values, TRAINING, traits);
  const store = new Store(new StepsSource(source), model);
  onTestFinished(() => store.close());
  store.look(1);
  await settle();
  await source.tell("training/run", known as unknown as Part);
  /** Answers for a step. */
  const give = (step: number, run = 0, weight = 0.25) =>
    source.answer(`training/step/${run}/${step}`, stepContent(run, step, weight, 2));
  return { source, model, store, training: store.training!, give };
}
