import { beforeEach, describe, expect, test } from "vitest";
import type { AskOptions, Part, Source } from "../src/source/source";
import { SourceError } from "../src/source/source";
import { Store } from "../src/store/store";
import type { Traits } from "../src/store/traits";

/** Answers when the test says so. */
class SlowSource implements Source {
  asked: {
    key: string;
    resolve: (part: Part) => void;
    reject: (error: Error) => void;
    signal?: AbortSignal;
  }[] = [];
  closed = false;
  ask<T>(key: string, { signal }: AskOptions = {}): Promise<T> {
    return new Promise<Part>((resolve, reject) => {
      this.asked.push({ key, resolve, reject, ...(signal && { signal }) });
      signal?.addEventListener("abort", () => reject(new DOMException("Aborted", "AbortError")));
    }) as Promise<T>;
  }
  close() {
    this.closed = true;
  }
  async answer(key: string, part: Part) {
    const found = this.asked.find((request) => request.key === key && !request.signal?.aborted);
    if (!found) throw new Error(`${key} was not asked for; ${this.keys()} were`);
    this.asked.splice(this.asked.indexOf(found), 1);
    found.resolve(part);
    await settle();
  }
  async fail(key: string, message: string) {
    const found = this.asked.find((request) => request.key === key)!;
    found.reject(new SourceError(message, "ValueError"));
    await settle();
  }
  keys() {
    return this.asked.filter(({ signal }) => !signal?.aborted).map(({ key }) => key);
  }
}

class Model implements Traits {
  values: Record<string, unknown> = {
    text: "one",
    layer: 0,
    head: 0,
    position: -1,
    temperature: 1,
    top_k: 0,
    top_p: 1,
    min_p: 0,
    typical_p: 1,
    order: "transformers",
    threshold: 0,
    lecture: false,
    _editable: true,
    _panels: ["tokens", "overview", "matrix", "next-token"],
  };
  listeners = new Map<string, Set<() => void>>();
  saved = 0;
  get(name: string) {
    return this.values[name];
  }
  set(name: string, value: unknown) {
    this.values[name] = value;
    this.listeners.get(`change:${name}`)?.forEach((call) => call());
  }
  save_changes() {
    this.saved++;
  }
  on(event: string, call: () => void) {
    (this.listeners.get(event) ?? this.listeners.set(event, new Set()).get(event)!).add(call);
  }
  off(event: string, call: () => void) {
    this.listeners.get(event)?.delete(call);
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve));
const FACTS = { name: "m", family: "causal", layers: 2, heads: 2, kv_heads: 2, vocabulary: 3 };
const traceOf = (name: string, text: string) => ({
  trace: name,
  text,
  kind: "self",
  last: 1,
  queries: 2,
  tokens: [
    [0, text[0], 0, 1, false],
    [1, text.slice(1), 1, text.length, false],
  ],
  layers: [
    [0, 2, 2],
    [1, 2, 2],
  ],
});
const LOGITS = {
  logits: { data: Float32Array.of(1, 2, 3), shape: [3] },
  ids: { data: Int32Array.of(2, 1, 0), shape: [3] },
  texts: ["c", "b", "a"],
  labels: ["c", "b", "a"],
};
const tile = (...weights: number[]) => ({
  weights: { data: Float32Array.from(weights), shape: [2, 2] },
});

let source: SlowSource;
let model: Model;
let store: Store;

const read = async (name: string, text: string) => {
  await source.answer(`text/${text}`, traceOf(name, text));
  await source.answer(`${name}/logits/1`, LOGITS);
};

beforeEach(async () => {
  source = new SlowSource();
  model = new Model();
  store = new Store(source, model);
  store.look(1);
  await source.answer("model", { model: FACTS });
});

describe("a text", () => {
  test("turns up only when its tokens and its logits are there", async () => {
    await source.answer("text/one", traceOf("t1", "one"));
    expect(store.trace.value).toBeNull();
    await source.answer("t1/logits/1", LOGITS);
    expect(store.trace.value?.trace).toBe("t1");
    expect(store.outcome.value?.kept).toBe(3);
  });

  test("lets go of the token under the mouse, which may be no more", async () => {
    await read("t1", "one");
    store.hovered.value = 1;
    store.edit("two");
    await read("t2", "two");
    expect(store.hovered.value).toBeNull();
  });

  test("that is newer wins, and late answers to an old one are dropped", async () => {
    store.edit("two");
    expect(source.keys()).toContain("text/two");
    expect(source.keys()).not.toContain("text/one");
    await read("t2", "two");
    expect(store.trace.value?.text).toBe("two");
  });

  test("that is taken back cancels the one in between", async () => {
    await read("t1", "one");
    store.edit("two");
    store.edit("one");
    expect(source.keys()).not.toContain("text/two");
    expect(store.behind.value).toBe(false);
  });

  test("that cannot be read leaves the one before and says why", async () => {
    await read("t1", "one");
    store.edit("far too long");
    await source.fail("text/far too long", "too long");
    expect(store.problem.value?.message).toBe("too long");
    expect(store.trace.value?.text).toBe("one");
    store.edit("one");
    expect(store.problem.value).toBeNull();
  });

  test("that is empty is no error", async () => {
    await read("t1", "one");
    store.edit("");
    await source.fail("text/", "The text is empty");
    expect(store.problem.value).toBeNull();
    expect(store.trace.value).toBeNull();
  });
});

describe("a head", () => {
  test("is shown with the weights of the token in focus", async () => {
    await read("t1", "one");
    await source.answer("t1/attention/0/0/0.0.0", tile(1, 0, 0.25, 0.75));
    expect(store.matrix.value?.exact).toBe(true);
    expect([...store.row.value!.weights]).toEqual([0.25, 0.75]);
    store.pin(0);
    await settle();
    expect([...store.row.value!.weights]).toEqual([1, 0]);
  });

  test("under the mouse is previewed, unless another is locked", async () => {
    await read("t1", "one");
    store.preview.value = { layer: 1, head: 1 };
    expect(store.shown.value).toEqual({ layer: 1, head: 1 });
    store.lock({ layer: 0, head: 1 });
    expect(store.shown.value).toEqual({ layer: 0, head: 1 });
    expect(model.values.head).toBe(1);
    store.lock({ layer: 0, head: 1 });
    expect(store.locked.value).toBe(false);
  });

  test("whose answer comes after another was chosen is dropped", async () => {
    await read("t1", "one");
    store.state.head.value = 1;
    await source.answer("t1/attention/0/1/0.0.0", tile(1, 0, 0.5, 0.5));
    await source.answer("t1/attention/0/0/0.0.0", tile(1, 0, 0.25, 0.75));
    expect(store.matrix.value?.head).toBe(1);
  });
});

describe("traits", () => {
  test("follow the page, and the page follows them", () => {
    store.state.temperature.value = 0.5;
    expect(model.values.temperature).toBe(0.5);
    expect(model.saved).toBe(1);
    model.set("top_k", 7);
    expect(store.state.topK.value).toBe(7);
    expect(model.saved).toBe(1);
  });

  test("Esc unlocks the head first and then lets go of the token", () => {
    store.lock({ layer: 1, head: 0 });
    store.pin(1);
    store.escape();
    expect([store.locked.value, store.state.position.value]).toEqual([false, 1]);
    store.escape();
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
    store.edit("two");
    expect(source.keys()).toEqual(["release"]);
    store.look(1);
    expect(source.keys()).toContain("text/two");
  });

  test("that was hidden in the middle of its work asks again for what is missing", async () => {
    await read("t1", "one");
    const layer = { shades: { data: new Uint8Array(8), shape: [2, 2, 2] } };
    await source.answer("t1/thumbnails/0", layer);
    store.look(-1);
    expect(source.keys()).toEqual(["release"]);
    store.look(1);
    expect(source.keys()).toContain("t1/thumbnails/1");
    expect(source.keys()).not.toContain("t1/thumbnails/0");
  });
});
