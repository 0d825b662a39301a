import { expect, test, vi } from "vitest";
import { LastingAnswers } from "../src/store/lasting";
import type { AskOptions, Part } from "../src/protocol/source";

/** A source that answers when it is told to. */
function held() {
  const asked: { key: string; options: AskOptions; resolve: (part: Part) => void }[] = [];
  const source = {
    ask: <T>(key: string, options: AskOptions = {}) =>
      new Promise<T>((resolve) => asked.push({ key, options, resolve: resolve as never })),
    lacks: () => null,
    close: () => {},
  };
  return { asked, source };
}

const request = { type: "tokenizers", input: "a" } as const;

test("an answer comes in parts, and is asked for once", async () => {
  const { asked, source } = held();
  const lasting = new LastingAnswers(source, () => {});
  const answer = lasting.watch<{ n: number }>(request);
  expect(lasting.watch(request)).toBe(answer);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  expect(answer.value).toBeNull();
  expect(lasting.has(request)).toBe(false);
  asked[0]!.options.onPart!({ n: 1 });
  expect(answer.value).toEqual({ n: 1 });
  asked[0]!.resolve({ n: 2 });
  await vi.waitFor(() => expect(answer.value).toEqual({ n: 2 }));
  expect(lasting.has(request)).toBe(true);
});

test("what is forgotten is cancelled, and asked for anew", async () => {
  const { asked, source } = held();
  const lasting = new LastingAnswers(source, () => {});
  lasting.watch(request);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  lasting.forget(request);
  expect(asked[0]!.options.signal!.aborted).toBe(true);
  lasting.watch(request);
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  lasting.close();
  expect(asked[1]!.options.signal!.aborted).toBe(true);
});

test("the oldest of many is let go", async () => {
  const { asked, source } = held();
  const lasting = new LastingAnswers(source, () => {});
  for (let n = 0; n < 65; n++) lasting.watch({ type: "tokenizers", input: String(n) });
  await vi.waitFor(() => expect(asked).toHaveLength(65));
  expect(asked[0]!.options.signal!.aborted).toBe(true);
  expect(asked[1]!.options.signal!.aborted).toBe(false);
});

test("an error is said, and not asked for again by itself", async () => {
  const report = vi.fn();
  const ask = vi.fn(() => Promise.reject(new Error("no")));
  const lasting = new LastingAnswers({ ask, lacks: () => null, close: () => {} }, report);
  lasting.watch(request);
  await vi.waitFor(() => expect(report).toHaveBeenCalledOnce());
  lasting.watch(request);
  expect(ask).toHaveBeenCalledOnce();
});
