import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Lesson, Slide } from "../src/protocol/lesson";
import { LessonStore } from "../src/store/lesson";
import { Model, SlowSource, settle } from "./fakes";
import { Store } from "../src/store/store";

const slide = (made: Partial<Slide>): Slide => ({
  title: [],
  caption: [],
  set: {},
  show: "",
  zoom: false,
  hide: [],
  points: [],
  guess: "",
  ask: [],
  answer: [],
  key: "",
  story: "",
  ...made,
});

const BASE = { text: "one", temperature: 1, layer: 0, heads: [], position: -1 };

function given(slides: Partial<Slide>[]) {
  const model = new Model();
  const lesson: Lesson = { title: "", base: BASE, slides: slides.map(slide) };
  Object.assign(model.values, { slide: 0, _lesson: lesson });
  const store = new Store(new SlowSource(), model);
  const taught = new LessonStore(store);
  const end = taught.start();
  onTestFinished(() => {
    end();
    store.close();
  });
  return { store, lesson: taught, state: store.state, model };
}

/** Whether motion is reduced; and a clock that tests move. */
let isStill = true;
let frames: FrameRequestCallback[] = [];
beforeEach(() => {
  isStill = true;
  frames = [];
  vi.stubGlobal("matchMedia", () => ({ matches: isStill }));
  vi.stubGlobal("requestAnimationFrame", (call: FrameRequestCallback) => frames.push(call));
  vi.stubGlobal("cancelAnimationFrame", () => (frames = []));
});
afterEach(() => vi.unstubAllGlobals());

test("an answer that is revealed leaves a masked model at its gap", () => {
  const { lesson, state, store } = given([{ guess: "next-token" }]);
  const input = store.editor.key.value;
  store.trace.value = { input, gaps: [2], tokens: [], target: [] } as never;
  state.position.value = 2;
  lesson.reveal();
  expect([state.position.value, lesson.isOff.value]).toEqual([2, false]);
  state.position.value = 1;
  lesson.back();
  expect([state.position.value, lesson.isOff.value]).toEqual([2, false]);
});

describe("slides", () => {
  test("set what they and those before them say, wherever one comes from", () => {
    const { lesson, state } = given([
      {},
      { set: { layer: 1 } },
      { set: { layer: 1, temperature: 2 } },
    ]);
    lesson.next();
    expect([state.slide.value, state.layer.value, state.temperature.value]).toEqual([1, 1, 1]);
    lesson.go(2);
    expect([state.layer.value, state.temperature.value]).toEqual([1, 2]);
    lesson.go(0);
    expect([state.layer.value, state.temperature.value]).toEqual([0, 1]);
  });

  test("end at both ends", () => {
    const { lesson, state } = given([{}, {}]);
    expect(lesson.previous()).toBe(false);
    expect([lesson.next(), lesson.next(), lesson.next()]).toEqual([true, false, false]);
    expect(state.slide.value).toBe(1);
  });

  test("are followed when Python turns to them", () => {
    const { state, model } = given([{}, { set: { layer: 1 } }]);
    model.set("slide", 1);
    expect(state.layer.value).toBe(1);
  });

  test("are no step of what can be taken back", () => {
    const { store, lesson, state } = given([{}, { set: { temperature: 2 } }]);
    state.temperature.value = 0.5;
    lesson.back();
    lesson.next();
    expect(state.temperature.value).toBe(2);
    store.history.undo();
    expect(state.temperature.value).toBe(1); // what a person had changed
    expect(store.history.undo()).toBe(false);
  });

  test("are gone to by their number", () => {
    const { lesson, state } = given(Array.from({ length: 12 }, () => ({})));
    expect(lesson.jump()).toBe(false);
    lesson.type(1);
    lesson.type(1);
    expect(lesson.typed.value).toBe("11");
    expect(lesson.jump()).toBe(true);
    expect([state.slide.value, lesson.typed.value]).toEqual([10, ""]);
    lesson.type(9);
    lesson.type(9);
    lesson.jump();
    expect(state.slide.value).toBe(11);
  });
});

describe("the track", () => {
  test("is left by what a person sets, and one step leads back", () => {
    const { lesson, state } = given([{}, {}]);
    expect(lesson.isOff.value).toBe(false);
    state.temperature.value = 1.5;
    expect(lesson.isOff.value).toBe(true);
    lesson.next();
    expect([lesson.isOff.value, state.temperature.value, state.slide.value]).toEqual([false, 1, 0]);
    state.layer.value = 1;
    lesson.previous();
    expect([lesson.isOff.value, state.layer.value]).toEqual([false, 0]);
  });

  test("is left by a touch that changes no trait, and the panels forget it", () => {
    const { lesson } = given([{}]);
    lesson.touch();
    expect(lesson.isOff.value).toBe(true);
    const before = lesson.visits.value;
    lesson.back();
    expect(lesson.isOff.value).toBe(false);
    expect(lesson.visits.value).toBe(before + 1);
  });

  test("isn't left by a value that is equal, nor by a gap that is in focus at first", () => {
    const { lesson, state, store } = given([{}]);
    state.heads.value = [];
    expect(lesson.isOff.value).toBe(false);
    store.trace.value = { gaps: [2], tokens: [], target: [] } as never;
    state.position.value = 2;
    expect(lesson.isOff.value).toBe(false);
    state.position.value = 1;
    expect(lesson.isOff.value).toBe(true);
  });
});

describe("what is held back", () => {
  test("is revealed before the next slide, and stays so until the lesson begins again", () => {
    const { lesson, state } = given([{ answer: ["yes"] }, {}]);
    expect(lesson.isHeld.value).toBe(true);
    lesson.next();
    expect([lesson.isHeld.value, state.slide.value]).toEqual([false, 0]);
    lesson.next();
    lesson.previous();
    expect([lesson.isHeld.value, state.slide.value]).toEqual([false, 0]);
    lesson.next();
    lesson.begin();
    expect(lesson.isHeld.value).toBe(true);
  });

  test("is the true place of a slider, which the class sets", () => {
    const { lesson, state } = given([{}, { guess: "temperature", set: { temperature: 0.6 } }]);
    lesson.next();
    expect(state.temperature.value).toBe(1);
    state.temperature.value = 0.9;
    lesson.touch();
    expect(lesson.isOff.value).toBe(false);
    lesson.next();
    expect([lesson.guessed.value, state.temperature.value]).toEqual([0.9, 0.6]);
    expect(lesson.isOff.value).toBe(false);
  });
});

describe("motion", () => {
  test("leads sliders to their places", () => {
    isStill = false;
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const { lesson, state } = given([{}, { set: { temperature: 2, layer: 1 } }]);
    lesson.next();
    expect([state.temperature.value, state.layer.value]).toEqual([1, 1]);
    const seen = [150, 300, 450, 600].map((time) => {
      now.mockReturnValue(time);
      frames.splice(0).forEach((call) => call(time));
      return state.temperature.value;
    });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen[1]).toBeCloseTo(1.5, 3);
    expect(seen[3]).toBe(2);
    expect(lesson.isOff.value).toBe(false);
  });

  test("is of the page alone: Python hears of where it ends, and of nothing in between", async () => {
    isStill = false;
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const { lesson, model, state } = given([{}, { set: { temperature: 2 } }, {}]);
    const heard: unknown[] = [];
    model.on("change:temperature", () => heard.push(model.get("temperature")));
    const move = async (time: number) => {
      now.mockReturnValue(time);
      frames.splice(0).forEach((call) => call(time));
      await new Promise((done) => setTimeout(done, 20)); // longer than it takes to save
    };
    lesson.next();
    for (const time of [150, 300, 450]) await move(time);
    expect(state.temperature.value).toBeCloseTo(1.84, 2);
    expect(heard).toEqual([2]);
    lesson.next(); // before it is there
    for (const time of [600, 1050]) await move(time);
    expect([state.temperature.value, heard]).toEqual([1, [2, 1]]);
    model.set("temperature", 0.5); // Python is followed again
    expect(state.temperature.value).toBe(0.5);
  });

  test("of top-k goes by its track, from all tokens", () => {
    isStill = false;
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const { lesson, state, store } = given([{}, { set: { top_k: 10 } }]);
    Object.defineProperty(store, "model", {
      value: { value: null, peek: () => ({ vocabulary: 1000 }) },
    });
    lesson.next();
    now.mockReturnValue(300);
    frames.splice(0).forEach((call) => call(300));
    expect(state.topK.value).toBe(100);
  });

  test("is none where it is to be reduced", () => {
    const { lesson, state } = given([{}, { set: { temperature: 2 } }]);
    lesson.next();
    expect([state.temperature.value, frames.length]).toEqual([2, 0]);
  });
});

test("what is set reaches Python once it is saved", async () => {
  const { lesson, model } = given([{}, { set: { temperature: 2 } }]);
  lesson.next();
  await settle();
  await vi.waitFor(() => expect(model.values).toMatchObject({ slide: 1, temperature: 2 }));
});
