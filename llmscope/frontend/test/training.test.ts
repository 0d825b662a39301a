import { signal } from "@preact/signals";
import { mount } from "../src/app/app";
import { PANELS } from "../src/panels/registry";
import { describe, expect, test, vi } from "vitest";
import {
  doneOf,
  loggedAt,
  logTicks,
  secondsLeft,
  seriesOf,
  spanOf,
  thinned,
} from "../src/panels/training/log";
import type { Part } from "../src/protocol/source";
import { stepTrace } from "../src/protocol/keys";
import { SlowSource, settle } from "./fakes";
import { stepContent, trained, trainingAnswer } from "./training-fakes";

const name = (step: number, run = 0, probe = 0) => stepTrace({ run, step, probe });

describe("the step on screen", () => {
  test("is the newest, and follows until another is chosen", async () => {
    const { source, store, training, give } = await trained();
    await give(8);
    expect(store.trace.value?.name).toBe(name(8));
    expect(store.next.value?.position).toBe(1);
    await source.tell("training/run", trainingAnswer([0, 1, 2, 4, 8, 16]) as unknown as Part);
    await give(16);
    expect([training.step.value, store.trace.value?.name]).toEqual([16, name(16)]);
    training.turn(3);
    expect([training.step.value, store.state.step.value]).toEqual([2, 2]);
    await source.tell("training/run", trainingAnswer([0, 1, 2, 4, 8, 16, 32]) as unknown as Part);
    expect(training.step.value).toBe(2);
    training.follow();
    expect(training.step.value).toBe(32);
  });

  test("is on an axis that suits the steps, until one is chosen", async () => {
    const { source, training, give } = await trained({ step: 2 });
    await give(2);
    expect(training.axis.value).toBe("log");
    await source.tell("training/run", trainingAnswer([0, 10, 20, 30, 40]) as unknown as Part);
    expect(training.axis.value).toBe("linear");
    training.spread("log");
    expect(training.axis.value).toBe("log");
  });

  test("is turned by its place, and what is linked follows", async () => {
    const { store, training, give } = await trained({ step: 2 });
    await give(2);
    training.move(1);
    expect(training.step.value).toBe(4);
    await give(4);
    expect(store.state.path.value).toBe("step/0/4/0");
    training.move(-10);
    expect(training.step.value).toBe(0);
    training.move(10);
    expect(training.step.value).toBe(8);
  });

  test("keeps the text and the position, and is of another probe", async () => {
    const { store, training, give } = await trained({ step: 2 });
    await give(2);
    expect([store.state.text.value, training.position.value]).toEqual(["one", 1]);
    store.pin(0);
    expect(training.position.value).toBe(1);
    store.state.probe.value = 1;
    await settle();
    expect([store.trace.value?.name, training.position.value]).toEqual([name(2, 0, 1), 0]);
  });

  test("of another run is the nearest that was kept of it", async () => {
    const known = trainingAnswer([0, 4, 8], {}, 2);
    known.runs[1] = { ...known.runs[1]!, steps: { data: Int32Array.of(0, 5), shape: [2] } };
    const { store, training } = await trained({ step: 8 }, known);
    training.turnTo(1);
    expect([training.run.value, training.step.value, store.state.step.value]).toEqual([1, 5, 5]);
    training.follow();
    training.turnTo(0);
    expect([training.step.value, store.state.step.value]).toEqual([8, -1]);
  });

  test("can be undone", async () => {
    const { store, training } = await trained({ step: 2 });
    store.history.begin();
    training.turn(8);
    store.history.begin();
    training.hold();
    expect(store.history.undo()).toBe(true);
    expect([training.step.value, training.held.value]).toEqual([8, null]);
    store.history.undo();
    expect(training.step.value).toBe(2);
  });
});

test("a step that is on its way is not asked for again while the training goes on", async () => {
  const { source, store, give } = await trained({ step: 8 });
  const [asked] = source.asked.filter(({ key }) => key === "training/step/0/8");
  for (const steps of [
    [0, 8, 9],
    [0, 8, 9, 10],
  ]) {
    const again = structuredClone(trainingAnswer(steps));
    await source.tell("training/run", again as unknown as Part);
  }
  expect(source.asked.filter(({ key }) => key === "training/step/0/8")).toEqual([asked]);
  expect(asked!.signal?.aborted).toBe(false);
  await give(8);
  expect(store.trace.value?.name).toBe(name(8));
});

test("while no step is kept nothing is read, and no model is needed for that", async () => {
  const { source, store, training, give } = await trained(
    {},
    trainingAnswer([], { model: {}, probes: [], state: "waiting" }),
  );
  expect([training.step.value, training.key.value, store.model.value]).toEqual([-1, null, null]);
  expect(source.keys()).toEqual(["training/run"]);
  await source.tell("training/run", trainingAnswer([0]) as unknown as Part);
  await give(0);
  expect([store.model.value?.name, store.trace.value?.name]).toEqual(["m", name(0)]);
});

test("what waits for a training says so, and no model is to be chosen", async () => {
  // What happy-dom doesn't paint.
  const pen = { fillRect() {}, getImageData: () => ({ data: [255, 255, 255, 255] }) };
  vi.stubGlobal(
    "OffscreenCanvas",
    class {
      getContext = () => pen;
    },
  );
  const { source, store, give } = await trained(
    { _panels: ["training", "tokens"] },
    trainingAnswer([], { model: {}, probes: [], state: "waiting" }),
  );
  const host = document.body.appendChild(document.createElement("div"));
  const leave = mount(host, store, PANELS);
  try {
    await vi.waitFor(() => expect(host.shadowRoot!.textContent).toContain("No step is kept yet"));
    expect(host.shadowRoot!.textContent).toContain("not begun");
    await source.tell("training/run", trainingAnswer([0]) as unknown as Part);
    await give(0);
    await vi.waitFor(() =>
      expect(host.shadowRoot!.querySelector(".at b")?.textContent).toBe("step 0 of 100"),
    );
    const button = [...host.shadowRoot!.querySelectorAll("button")].find(
      ({ textContent }) => textContent === "Stop training",
    )!;
    button.click();
    await settle();
    expect(source.keys()).toContain("training/stop");
    expect(host.shadowRoot!.textContent).toContain("Stopping…");
  } finally {
    leave();
    host.remove();
    vi.unstubAllGlobals();
  }
});

describe("played", () => {
  test("each step waits until the one before is there, and the last one ends it", async () => {
    const { training, give } = await trained({ step: 8 });
    await give(8);
    vi.useFakeTimers();
    try {
      training.speed.value = 10;
      training.play();
      expect(training.step.value).toBe(0);
      await vi.advanceTimersByTimeAsync(1000);
      expect(training.step.value).toBe(0);
    } finally {
      vi.useRealTimers();
    }
    await give(0);
    for (const step of [1, 2, 4]) {
      await vi.waitFor(() => expect(training.step.value).toBe(step), 2000);
      await give(step).catch(() => {}); // it was asked for ahead, and is there
    }
    await vi.waitFor(() => expect(training.step.value).toBe(8), 2000);
    await vi.waitFor(() => expect(training.isPlaying.value).toBe(false), 2000);
  });
});

describe("held", () => {
  async function held(side = "edited") {
    const made = await trained({ step: 8, held: 1, side });
    await made.give(8, 0, 0.4);
    await made.give(1, 0, 0.1).catch(() => {});
    await settle();
    return made;
  }

  test("its next token is beside that of the step on screen", async () => {
    const { store } = await held();
    expect(store.sides.of).toBe("steps");
    expect(store.sides.beside.value?.trace.name).toBe(name(1));
    expect(store.sides.isDifference.value).toBe(false);
    expect(store.attention.trace.value?.name).toBe(name(8));
  });

  test("the one less the other is in the matrix, the heads and the chain", async () => {
    const { store, training, give } = await held("difference");
    const pair = [name(8), name(1)];
    expect(store.sides.difference.value?.name).toEqual(pair);
    expect(store.attention.matrix.value?.trace.name).toEqual(pair);
    expect(store.attention.matrix.value!.cells.data[2]).toBeCloseTo(0.3, 3);
    expect([...store.sides.distances.value!.distances.shape]).toEqual([2, 2]);
    expect(store.sides.why.value).toBeNull();
    // All of it follows the slider.
    const before = store.sides.distances.value!.distances.data[0];
    training.turn(0);
    await give(0, 0, 0.15).catch(() => {}); // it may have been asked for ahead
    await settle();
    expect(store.sides.difference.value?.name).toEqual([name(0), name(1)]);
    expect(store.sides.distances.value?.of).toBe(store.sides.pair.value);
    expect(store.sides.distances.value!.distances.data[0]).toBeLessThan(before!);
  });

  test("D turns to the difference and back, Shift D to the step that is held", async () => {
    const { store, training } = await held();
    expect(store.sides.flip("difference")).toBe(true);
    expect(training.side.value).toBe("difference");
    store.sides.flip("difference");
    store.sides.flip("second");
    await settle();
    expect([training.side.value, store.trace.value?.name]).toEqual(["untouched", name(1)]);
    expect(training.step.value).toBe(8);
    expect(store.sides.beside.value?.trace.name).toBe(name(8));
    training.hold();
    await settle();
    expect([training.held.value, training.side.value]).toEqual([null, "edited"]);
    expect(store.trace.value?.name).toBe(name(8));
    expect(store.sides.flip("difference")).toBe(false);
  });

  test("may be of the other run", async () => {
    const { training } = await trained({ step: 8 }, trainingAnswer([0, 8], {}, 2));
    training.turnTo(1);
    training.hold();
    training.turnTo(0);
    expect(training.held.value).toEqual({ run: 1, step: 8, probe: 0 });
  });
});

test("a kernel that is lost leaves the steps that are here, and says why others are not", async () => {
  const inner = Object.assign(new SlowSource(), { isGone: signal(false) });
  const { store, training } = await trained({ step: 2 }, undefined, inner);
  await inner.answer("training/step/0/2", stepContent(0, 2, 0.25, 2));
  await inner.answer("training/step/0/4", stepContent(0, 4, 0.25, 2));
  inner.isGone.value = true;
  for (const { key } of [...inner.asked]) await inner.fail(key, "gone", "gone");
  training.turn(4);
  await settle();
  expect([store.trace.value?.name, training.lacking.value]).toEqual([name(4), null]);
  expect(store.attention.lacking.value).toBeNull();
  training.turn(8);
  await settle();
  expect(training.lacking.value).toMatch("Step 8 takes the kernel");
  expect([store.trace.value?.name, store.isOld.value]).toEqual([name(4), true]);
});

describe("what was logged", () => {
  const floats = (...values: number[]) => ({
    data: Float32Array.from(values),
    shape: [values.length],
  });
  const none = floats(NaN, NaN, NaN, NaN);
  const run = trainingAnswer([0, 3], {
    log: {
      step: { data: Int32Array.of(0, 1, 2, 3), shape: [4] },
      loss: floats(4, NaN, 2, NaN),
      learning_rate: floats(1, NaN, 1, 1),
      grad_norm: none,
      eval_loss: floats(NaN, 3, NaN, NaN),
      seconds: floats(0, 1, 2, 4),
    },
    total: 13,
  }).runs[0]!;

  test("is broken where a loss is no number, and not where none was logged", () => {
    expect(seriesOf({ runs: [run] })).toEqual([
      {
        run: 0,
        what: "loss",
        points: [
          [0, 4],
          [2, 2],
          [3, NaN],
        ],
      },
      { run: 0, what: "eval_loss", points: [[1, 3]] },
    ]);
  });

  test("is told at a step, or where it was last before it", () => {
    expect(loggedAt(run, "loss", 2)).toEqual({ value: 2, at: 2 });
    expect(loggedAt(run, "loss", 3)).toEqual({ value: NaN, at: 3 });
    expect(loggedAt(run, "eval_loss", 9)).toEqual({ value: 3, at: 1 });
    expect(loggedAt(run, "eval_loss", 0)?.value).toBeNaN();
    expect(loggedAt(run, "nothing", 2)).toBeNull();
  });

  test("tells how long the rest takes, while it is known", () => {
    expect(doneOf(run)).toBe(3);
    expect(secondsLeft(run)).toBeCloseTo((4 / 3) * 10);
    expect(secondsLeft({ ...run, state: "ended" })).toBeNull();
    expect(secondsLeft({ ...run, total: null })).toBeNull();
  });

  test("is thinned to what pixels show, with what stands out", () => {
    const points = Array.from({ length: 1000 }, (_, step) => [step, step === 500 ? 9 : 1] as const);
    const found = thinned(points, (step) => step / 100);
    expect(found.length).toBeLessThan(50);
    expect(found).toContainEqual([500, 9]);
    const holes = points.map(([step, value]) => [step, step === 300 ? NaN : value] as const);
    expect(thinned(holes, (step) => step / 100)).toContainEqual([300, NaN]);
  });

  test("has an axis with round numbers", () => {
    const series = [
      {
        run: 0,
        what: "loss" as const,
        points: [
          [0, 4],
          [1, Infinity],
          [2, 3],
        ] as const,
      },
    ];
    expect(spanOf(series, false)).toEqual([2.95, 4.05]);
    expect(spanOf([], true)).toEqual([0.1, 1]);
    expect(logTicks([0.9, 60])).toEqual([1, 2, 5, 10, 20, 50]);
    expect(logTicks([1e-4, 10])).toEqual(
      [1e-4, 1e-3, 1e-2, 1e-1, 1, 10].map((one) => expect.closeTo(one, 10)),
    );
  });
});
