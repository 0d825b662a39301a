import { onTestFinished } from "vitest";
import { type AskOptions, type Part, type Source, SourceError } from "../src/protocol/source";
import { Store } from "../src/store/store";
import type { Traits } from "../src/store/traits";

/** Answers when the test says so. */
export class SlowSource implements Source {
  asked: {
    key: string;
    resolve: (part: Part) => void;
    reject: (error: Error) => void;
    signal?: AbortSignal;
    onPart?: (part: Part) => void;
  }[] = [];
  closed = false;
  ask<T>(key: string, { signal, onPart }: AskOptions = {}): Promise<T> {
    return new Promise<Part>((resolve, reject) => {
      const heard = { ...(signal && { signal }), ...(onPart && { onPart }) };
      this.asked.push({ key, resolve, reject, ...heard });
      signal?.addEventListener("abort", () => reject(new DOMException("Aborted", "AbortError")));
    }) as Promise<T>;
  }
  lacks(_key: string): string | null {
    return null;
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
  /** Answers a part of what was asked for. */
  async tell(key: string, part: Part) {
    this.asked.find((request) => request.key === key)!.onPart!(part);
    await settle();
  }
  async fail(key: string, message: string, kind = "ValueError", again: number | null = null) {
    const found = this.asked.find((request) => request.key === key)!;
    found.reject(new SourceError(message, kind, again));
    await settle();
  }
  keys() {
    return this.asked.filter(({ signal }) => !signal?.aborted).map(({ key }) => key);
  }
}

export class Model implements Traits {
  values: Record<string, unknown> = {
    text: "one",
    pair: "",
    target: "",
    masked: [],
    edits: [],
    patch_from: "",
    effect_of: [],
    segments: "all",
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
    heads: [],
    kind: "",
    mode: "matrix",
    combine: "none",
    direction: "from",
    hide_sink: false,
    color_scale: "sqrt",
    lecture: false,
    chain_rule: false,
    _editable: true,
    _path: "",
    _panels: ["tokens", "overview", "attention", "next-token"],
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
  /** The kernel says what it was told; the notebook's models tell of what differs. */
  echo(values: Record<string, unknown>) {
    for (const [name, value] of Object.entries(values)) {
      if (this.values[name] !== value) this.set(name, value);
    }
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

export const settle = () => new Promise((resolve) => setTimeout(resolve));
export const FACTS = {
  name: "m",
  family: "causal",
  layers: 2,
  heads: 2,
  kv_heads: 2,
  vocabulary: 3,
};
export const traceAnswer = (name: string, text: string) => ({
  trace: name,
  text,
  pair: "",
  written: "",
  second: null,
  masked: [],
  gaps: [],
  ended: false,
  kind: "self",
  last: 1,
  roles: [],
  why_no_roles: null,
  target: [],
  tokens: [
    [0, text[0], 0, 1, false],
    [1, text.slice(1), 1, text.length, false],
  ],
  kinds: {
    self: [
      [0, 2, 2],
      [1, 2, 2],
    ],
  },
  why: null,
});
export const LOGITS = {
  logits: { data: Float32Array.of(1, 2, 3), shape: [3] },
  ids: { data: Int32Array.of(2, 1, 0), shape: [3] },
  texts: ["c", "b", "a"],
  labels: ["c", "b", "a"],
};
export const tile = (...weights: number[]) => ({
  weights: { data: Float32Array.from(weights), shape: [2, 2] },
});
export const line = (...weights: number[]) => ({
  weights: { data: Float32Array.from(weights), shape: [weights.length] },
});
export const thumbnail = {
  shades: { data: new Uint8Array(8), shape: [2, 2, 2] },
  scores: { data: Float32Array.from({ length: 12 }, (_, i) => i / 12), shape: [2, 6] },
};

/** A store on screen. It is closed with the test: what it still waits for would meet no page. */
export function openStore(source: SlowSource, model: Model): Store {
  const store = new Store(source, model);
  onTestFinished(() => store.close());
  store.look(1);
  return store;
}

/** A store of two tokens, two layers of two heads, whose answers the test gives. */
export async function opened() {
  const source = new SlowSource();
  const model = new Model();
  const store = openStore(source, model);
  await source.answer("model", { model: FACTS });
  const read = async (name: string, text: string) => {
    await source.answer(`text/${text}`, traceAnswer(name, text));
    await source.answer(`${name}/logits/1`, LOGITS);
  };
  return { source, model, store, read };
}

/** A single-precision number as it was written. */
export const fraction = (value: number): number => Number(value.toPrecision(6));
