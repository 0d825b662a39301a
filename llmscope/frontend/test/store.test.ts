import { beforeEach, describe, expect, test, vi } from "vitest";
import { effect } from "@preact/signals";
import { LOGITS, opened, settle, thumbnail, traceAnswer } from "./fakes";

let source: Awaited<ReturnType<typeof opened>>["source"];
let model: Awaited<ReturnType<typeof opened>>["model"];
let store: Awaited<ReturnType<typeof opened>>["store"];
let read: Awaited<ReturnType<typeof opened>>["read"];

beforeEach(async () => {
  ({ source, model, store, read } = await opened());
});

describe("a text", () => {
  test("turns up only when its tokens and its logits are there", async () => {
    await source.answer("text/one", traceAnswer("t1", "one"));
    expect(store.trace.value).toBeNull();
    await source.answer("t1/logits/1", LOGITS);
    expect(store.trace.value?.name).toBe("t1");
    expect(store.outcome.value?.kept).toBe(3);
  });

  test("lets go of the token under the mouse, which may be no more", async () => {
    await read("t1", "one");
    store.hovered.value = 1;
    store.editor.edit("two");
    await read("t2", "two");
    expect(store.hovered.value).toBeNull();
  });

  test("that is newer wins, and late answers to an old one are dropped", async () => {
    store.editor.edit("two");
    expect(source.keys()).toContain("text/two");
    expect(source.keys()).not.toContain("text/one");
    await read("t2", "two");
    expect(store.trace.value?.text).toBe("two");
  });

  test("that is taken back cancels the one in between", async () => {
    await read("t1", "one");
    store.editor.edit("two");
    store.editor.edit("one");
    expect(source.keys()).not.toContain("text/two");
    expect(store.input.isBehind.value).toBe(false);
  });

  test("that cannot be read leaves the one before and says why", async () => {
    await read("t1", "one");
    store.editor.edit("far too long");
    await source.fail("text/far too long", "too long");
    expect(store.problem.value?.message).toBe("too long");
    expect(store.trace.value?.text).toBe("one");
    store.editor.edit("one");
    expect(store.problem.value).toBeNull();
  });

  test("is read again when Python says so, also where another was typed meanwhile", async () => {
    await read("t1", "one");
    model.set("_reads", 1);
    store.editor.edit("two");
    store.editor.edit("one");
    expect(store.trace.value?.name).toBe("t1");
    await read("t2", "one");
    expect(store.trace.value?.name).toBe("t2");
    expect(source.keys()).not.toContain("text/one");
  });

  test("that a model wrote is read by its ids, until it is edited", async () => {
    await read("t1", "one");
    model.set("_path", "ids//5,6");
    await source.answer("ids//5,6", traceAnswer("t2", "one two"));
    await source.answer("t2/logits/1", LOGITS);
    expect(store.trace.value?.name).toBe("t2");
    expect(store.state.text.value).toBe("one two");
    expect(source.keys()).not.toContain("text/one two");
    store.editor.edit("one two!");
    expect(store.state.path.value).toBe("");
    await read("t3", "one two!");
    expect(store.trace.value?.name).toBe("t3");
  });

  test("that is empty is no error", async () => {
    await read("t1", "one");
    store.editor.edit("");
    await source.fail("text/", "The text is empty");
    expect(store.problem.value).toBeNull();
    expect(store.trace.value).toBeNull();
  });
});

describe("traits", () => {
  test("follow the page, and the page follows them", async () => {
    store.state.temperature.value = 0.5;
    store.state.topP.value = 0.9;
    expect(model.saved).toBe(0);
    await vi.waitFor(() => expect(model.saved).toBe(1));
    expect(model.values).toMatchObject({ temperature: 0.5, top_p: 0.9 });
    model.set("top_k", 7);
    expect(store.state.topK.value).toBe(7);
    expect(model.saved).toBe(1);
  });

  test("that are not saved yet outlive the echo of what was saved before", async () => {
    store.editor.edit("one a");
    await vi.waitFor(() => expect(model.saved).toBe(1));
    store.editor.edit("one al");
    model.echo({ text: "one a" });
    expect(store.state.text.value).toBe("one al");
    await vi.waitFor(() => expect(model.values.text).toBe("one al"));
  });

  test("Esc lets go of the token, and of no head", () => {
    store.attention.keep({ layer: 1, head: 0 });
    store.pin(1);
    store.escape();
    expect(store.state.layer.value).toBe(1);
    expect(store.state.position.value).toBe(-1);
  });
});

test("closing lets go of every listener and request", async () => {
  await read("t1", "one");
  store.close();
  expect([...model.listeners.values()].every((set) => set.size === 0)).toBe(true);
  expect(source.keys()).toEqual([]);
  expect(source.closed).toBe(true);
});

describe("a widget", () => {
  test("that is seen twice holds on until both are gone", () => {
    store.look(1);
    store.look(-1);
    expect(source.keys()).not.toContain("release");
    store.look(-1);
    expect(source.keys()).toContain("release");
  });

  test("that nobody sees asks for nothing, and goes on when it is shown", async () => {
    store.look(-1);
    store.editor.edit("two");
    expect(source.keys()).toEqual(["release"]);
    store.look(1);
    expect(source.keys()).toContain("text/two");
  });

  test("that was hidden in the middle of its work asks again for what is missing", async () => {
    await read("t1", "one");
    await source.answer("t1/thumbnails/self/0", thumbnail);
    store.look(-1);
    expect(source.keys()).toEqual(["release"]);
    store.look(1);
    expect(source.keys()).toContain("t1/thumbnails/self/1");
    expect(source.keys()).not.toContain("t1/thumbnails/self/0");
  });
});

describe("an answer that a panel asks for", () => {
  const ofFollows = (trace: string) => ({ type: "follows", trace }) as const;
  const shown = (trace: string) => {
    const seen: unknown[] = [];
    const end = effect(() => void seen.push(store.answer(ofFollows(trace)).value));
    return { seen, end };
  };
  const asked = () => source.keys().filter((key) => key.endsWith("follows"));

  test("is asked for once, and drawn when it is there", async () => {
    await read("t1", "one");
    const { seen } = shown("t1");
    store.answer(ofFollows("t1"));
    await settle();
    expect(asked()).toEqual(["t1/follows"]);
    await source.answer("t1/follows", { probability: 0.5 });
    expect(seen).toEqual([null, { probability: 0.5 }]);
    store.answer(ofFollows("t1"));
    await settle();
    expect(asked()).toEqual([]);
  });

  test("is given up when another text is there", async () => {
    await read("t1", "one");
    const { end } = shown("t1");
    await settle();
    end();
    store.editor.edit("two");
    await read("t2", "two");
    expect(asked()).toEqual([]);
    shown("t2");
    await settle();
    expect(asked()).toEqual(["t2/follows"]);
  });

  test("is asked for only where it can be given, and while somebody looks", async () => {
    await read("t1", "one");
    source.lacks = () => "This page holds no such thing.";
    shown("t1").end();
    await settle();
    expect(asked()).toEqual([]);
    source.lacks = () => null;
    store.look(-1);
    const { seen } = shown("t1");
    await settle();
    expect(asked()).toEqual([]);
    store.look(1);
    await settle();
    store.look(-1);
    expect(asked()).toEqual([]);
    store.look(1);
    await settle();
    await source.answer("t1/follows", { probability: 0.5 });
    expect(seen.at(-1)).toEqual({ probability: 0.5 });
  });

  test("says why there is none", async () => {
    await read("t1", "one");
    shown("t1");
    await settle();
    await source.fail("t1/follows", "No head for it.");
    expect(store.problem.value?.message).toBe("No head for it.");
    store.answer(ofFollows("t1"));
    await settle();
    expect(asked()).toHaveLength(1); // not once more
  });
});
