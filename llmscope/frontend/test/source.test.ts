import { describe, expect, test, vi } from "vitest";
import { unpack } from "../src/protocol/arrays";
import { SourceError } from "../src/protocol/source";
import { KernelSource } from "../src/sources/kernel";

type Handler = (content: unknown, buffers: DataView[]) => void;

class Comm {
  sent: Record<string, unknown>[] = [];
  handlers = new Set<Handler>();
  dead = false;
  send(content: Record<string, unknown>) {
    if (this.dead) throw new Error("Cannot send");
    this.sent.push(content);
  }
  on(_: string, handler: Handler) {
    this.handlers.add(handler);
  }
  off(_: string, handler: Handler) {
    this.handlers.delete(handler);
  }
  answer(content: unknown, buffers: DataView[] = []) {
    this.handlers.forEach((handler) => handler(content, buffers));
  }
}

const connect = () => {
  const comm = new Comm();
  return { comm, source: new KernelSource(comm as never, 1) };
};

describe("KernelSource", () => {
  test("sends a key and resolves with the last part", async () => {
    const { comm, source } = connect();
    const parts: unknown[] = [];
    const asked = source.ask("text/a", { onPart: (part) => parts.push(part) });
    expect(comm.sent).toEqual([{ request: 1, key: "text/a" }]);
    comm.answer({ request: 1, part: { n: 1 }, done: false });
    comm.answer({ request: 1, part: { n: 2 }, done: true });
    expect(await asked).toEqual({ n: 2 });
    expect(parts).toEqual([{ n: 1 }]);
  });

  test("rejects with the kernel's own words", async () => {
    const { comm, source } = connect();
    const asked = source.ask("x");
    comm.answer({ request: 1, error: "no such thing", kind: "ValueError" });
    await expect(asked).rejects.toMatchObject({ message: "no such thing", kind: "ValueError" });
  });

  test("cancels when aborted, and drops the answer that comes after", async () => {
    const { comm, source } = connect();
    const abort = new AbortController();
    const asked = source.ask("x", { signal: abort.signal });
    abort.abort();
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    expect(comm.sent[1]).toEqual({ cancel: 1 });
    comm.answer({ request: 1, part: {}, done: true });
  });

  test("acknowledges, once for all that is asked at a time, what comes before the answers", () => {
    vi.useFakeTimers();
    const { comm, source } = connect();
    for (const key of ["x", "y"]) source.ask(key).catch(() => {});
    expect(comm.sent).toHaveLength(2);
    vi.runAllTimers();
    expect(comm.sent.slice(2)).toEqual([{}]);
    source.ask("z").catch(() => {});
    source.close();
    vi.runAllTimers();
    expect(comm.sent).toHaveLength(4);
    vi.useRealTimers();
  });

  test("says so when there is no kernel", async () => {
    const { comm, source } = connect();
    comm.dead = true;
    await expect(source.ask("x")).rejects.toMatchObject({ kind: "gone" });
  });

  test("lets go of the comm when it closes", async () => {
    const { comm, source } = connect();
    const asked = source.ask("x");
    source.close();
    expect(comm.handlers.size).toBe(0);
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
  });
});

test("arrays are read from buffers that lie anywhere", () => {
  const bytes = new Uint8Array(13);
  new Float32Array(bytes.buffer, 0, 2);
  new DataView(bytes.buffer).setFloat32(5, 1.5, true);
  new DataView(bytes.buffer).setFloat32(9, -2, true);
  const part = unpack({ a: { buffer: 0, dtype: "float32", shape: [2] }, name: "x", rows: [1] }, [
    new DataView(bytes.buffer, 5, 8),
  ]);
  expect(part).toEqual({ a: { data: Float32Array.of(1.5, -2), shape: [2] }, name: "x", rows: [1] });
  expect(() => unpack({ a: { buffer: 3, dtype: "float32", shape: [] } }, [])).toThrow(SourceError);
});

test("a matrix of which the lower half came is whole again", () => {
  const came = new DataView(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
  const packed = { buffer: 0, dtype: "float32", shape: [3, 3], lower: true };
  const { data } = unpack({ a: packed }, [came]).a as { data: Float32Array };
  expect([...data]).toEqual([1, 0, 0, 2, 3, 0, 4, 5, 6]);
});
