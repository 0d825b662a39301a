import { signal } from "@preact/signals";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { GenerationStore } from "../src/store/generation";
import { KernelSource } from "../src/sources/kernel";
import {
  FACTS,
  LOGITS,
  Model,
  SlowSource,
  openStore,
  settle,
  thumbnail,
  tile,
  traceAnswer,
} from "./fakes";

/** A kernel that is lost when the test says so, and answers nothing from then on. */
class LostSource extends SlowSource {
  readonly isGone = signal(false);
  override ask<T>(...[key, options]: Parameters<SlowSource["ask"]>): Promise<T> {
    const asked = super.ask<T>(key, options);
    if (this.isGone.peek()) void this.fail(key, "gone", "gone");
    return asked;
  }
}

describe("once the kernel is lost", () => {
  let source: LostSource;
  let model: Model;
  let store: ReturnType<typeof openStore>;

  beforeEach(async () => {
    source = new LostSource();
    model = new Model();
    store = openStore(source, model);
    await source.answer("model", { model: FACTS });
    await source.answer("text/one", traceAnswer("t1", "one"));
    await source.answer("t1/logits/1", LOGITS);
    await source.answer("t1/self/head.0.0/0.0.0.max", tile(1, 0, 0.5, 0.5));
    await source.answer("t1/thumbnails/self/0", thumbnail);
    source.isGone.value = true;
  });

  test("what was read is shown as before, and is no problem", async () => {
    expect(store.attention.lacking.value).toBeNull();
    expect(store.lacking.value).toBeNull();
    expect(store.isOld.value).toBe(false);
    expect(store.problem.value).toBeNull();
    store.set({ temperature: 0.5 });
    expect(store.outcome.value?.kept).toBe(3);
  });

  test("a head that wasn't read is in focus, and says why it isn't shown", async () => {
    store.attention.keep({ layer: 1, head: 1 });
    await settle();
    expect(store.attention.lacking.value).toContain("disconnected");
    expect(store.attention.shown.value).toEqual({ layer: 1, head: 1 });
    expect(store.attention.line.value).toBeNull();
    expect(store.problem.value).toBeNull();
    store.attention.keep({ layer: 0, head: 0 });
    await settle();
    expect(store.attention.lacking.value).toBeNull();
    expect(store.attention.line.value?.weights).toEqual(Float32Array.of(0.5, 0.5));
  });

  test("a head under the mouse that wasn't read is not shown in place of the one in focus", () => {
    store.attention.preview.value = { layer: 1, head: 0 };
    expect(store.attention.shown.value).toEqual({ layer: 0, head: 0 });
  });

  test("a text that is typed makes what is shown old, until it is taken back", async () => {
    store.editor.edit("one a");
    await settle();
    expect(store.isOld.value).toBe(true);
    expect(store.trace.value?.text).toBe("one");
    expect(store.problem.value).toBeNull();
    expect(store.editor.target.value).toBeNull();
    store.editor.edit("one");
    expect(store.isOld.value).toBe(false);
  });

  test("nothing is found in the vocabulary", () => {
    expect(store.lacks({ type: "search", text: "a" })).toContain("disconnected");
  });
});

test("a lost kernel stops what generates, and what was generated stays", async () => {
  const source = new LostSource();
  const model = new Model();
  Object.assign(model.values, {
    _panels: ["generation", "next-token"],
    playing: false,
    max_new_tokens: 9,
  });
  const store = openStore(source, model);
  const generation = store.generation!;
  expect(generation).toBeInstanceOf(GenerationStore);
  await source.answer("model", { model: FACTS });
  const prompt = [[0, "one", 0, 3, false]];
  const begun = { nodes: [], count: 0, current: 0, ended: false, can_undo: false, seed: 0, prompt };
  await source.answer("write/begin/one", begun);
  await source.answer("write/logits/0", LOGITS);
  source.isGone.value = true;
  expect(store.lacking.value).toBeNull();
  expect(generation.lacking).toContain("disconnected");
  expect(store.isOld.value).toBe(false);
  model.set("text", "two");
  model.set("playing", true);
  await settle();
  expect(store.isOld.value).toBe(true);
  expect(generation.prompt.value?.map(({ label }) => label)).toEqual(["one"]);
  expect(store.state.playing.value).toBe(false);
});

describe("KernelSource learns that the kernel is lost", () => {
  class Told {
    hearers = new Set<(sender: unknown, told: unknown) => void>();
    connect(hear: (sender: unknown, told: unknown) => void) {
      this.hearers.add(hear);
    }
    disconnect(hear: (sender: unknown, told: unknown) => void) {
      this.hearers.delete(hear);
    }
    emit(told?: unknown) {
      this.hearers.forEach((hear) => hear(null, told));
    }
  }
  const connect = () => {
    const events = new Map<string, () => void>();
    const kernel = { statusChanged: new Told(), disposed: new Told() };
    const comm = {
      isDead: false,
      send: vi.fn(() => {
        if (comm.isDead) throw new Error("Cannot send");
      }),
      on: (event: string, call: () => void) => events.set(event, call),
      off: (event: string) => events.delete(event),
      widget_manager: { kernel },
    };
    return { comm, events, kernel, source: new KernelSource(comm as never, 1) };
  };

  test.each([
    ["its restart", "restarting"],
    ["its death", "autorestarting"],
  ])("by %s", async (_, status) => {
    const { comm, kernel, source } = connect();
    const asked = source.ask("x");
    kernel.statusChanged.emit("busy");
    kernel.statusChanged.emit(status);
    comm.isDead = true;
    await expect(asked).rejects.toMatchObject({ kind: "gone" });
    expect(source.isGone.value).toBe(true);
  });

  test("by what the widget's own manager says", async () => {
    const { comm, events, source } = connect();
    events.get("comm_live_update")!();
    await settle();
    expect(source.isGone.value).toBe(false);
    comm.isDead = true;
    events.get("comm_live_update")!();
    await settle();
    expect(source.isGone.value).toBe(true);
  });

  test("and hears no more of it once it is closed", () => {
    const { events, kernel, source } = connect();
    source.close();
    expect(events.size).toBe(0);
    expect(kernel.statusChanged.hearers.size + kernel.disposed.hearers.size).toBe(0);
  });
});
