/**
 * Another language in the place of English, of which every word is in brackets: whatever a person reads
 * outside of them was left in English.
 */

import { type Signal, signal } from "@preact/signals";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Words } from "../src/words";
import * as en from "../src/words/en";
import type { Page, Store } from "../workshop/front";

const FOLDER = join(import.meta.dirname, "../workshop/fixtures");
const [OPEN, CLOSE] = ["⟦", "⟧"];

/** The same entries, each in brackets. */
const bracketed = (entry: unknown): unknown =>
  typeof entry === "string"
    ? OPEN + entry + CLOSE
    : Object.fromEntries(
        Object.entries(entry as object).map(([name, one]) => [name, bracketed(one)]),
      );

const pseudo: Words = { ...(bracketed(en) as Words), language: en.language };

/** What is in no language: letters of keys and of mathematics, formats of files, engines, a model. */
const NAMES = /^([A-Za-z]|o₁…|q∘k|PNG|SVG|transformers|llama\.cpp|vllm|openai-community\/gpt2)$/;
/** Numbers, layer·head, and signs. */
const NUMBERS = /^([\d.,]+e[+−-]\d+|[\d\s⁰¹²³⁴⁵⁶⁷⁸⁹⁻.,:;?…%·×±Σ∞+=<>≥→−–‹›✕✎▸▾-])*$/u;
const MARKS = /([·↵⇥␍⍽□]+|⟨[^⟩]*⟩| \d+\/\d+$)/u;
const ATTRIBUTES = ["title", "aria-label", "aria-valuetext", "placeholder", "alt"];
const SWITCHES = 40; // that are pressed: the rest are more of the same
/** Formulas, what is typed letter for letter, and stretches of generated text. */
const LEFT_OUT = "style, math, .copy, textarea, .branch .way";

let front: typeof import("../workshop/front");
let traitsOf: typeof import("../workshop/traits").traitsOf;
let readAddress: typeof import("../workshop/address").readAddress;
let picker: typeof import("../src/app/picker").picker;
let fakes: typeof import("./fakes");

beforeAll(async () => {
  for (const [room, words] of Object.entries(pseudo)) {
    const file = room.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    vi.doMock(`#words/${file}`, () => ({ [room]: words }));
  }
  front = await import("../workshop/front");
  ({ traitsOf } = await import("../workshop/traits"));
  ({ readAddress } = await import("../workshop/address"));
  ({ picker } = await import("../src/app/picker"));
  fakes = await import("./fakes");
});

beforeEach(() => {
  // What happy-dom doesn't lay out or paint.
  const ground = { getImageData: () => ({ data: [255, 255, 255, 255] }) };
  const pen = new Proxy(ground as Record<string, unknown>, {
    get: (set, name: string) =>
      set[name] ?? ((text: string) => ({ width: 8 * String(text).length })),
    set: (set, name: string, value) => ((set[name] = value), true),
  });
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(pen as never);
  vi.stubGlobal(
    "OffscreenCanvas",
    class {
      constructor(
        readonly width: number,
        readonly height: number,
      ) {}
      getContext = () => pen;
    },
  );
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(900);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
});

/** All texts of a page's data: tokens, names, and what Python says in words. */
function* textsIn(data: unknown): Generator<string> {
  if (typeof data === "string") {
    yield data.trim();
    yield data.replace(/^·(?=.)/, "");
    yield* data.split(MARKS).map((part) => part.trim());
  } else if (typeof data === "object" && data !== null && !ArrayBuffer.isView(data))
    for (const one of Object.values(data)) yield* textsIn(one);
}

/** What one reads outside of the brackets that isn't data. */
function leftIn(root: Node, data: ReadonlySet<string>): string[] {
  const left = new Set<string>();
  let depth = 0;
  const isData = (text: string) =>
    data.has(text) ||
    NAMES.test(text) ||
    NUMBERS.test(text) ||
    (text.endsWith("…") && [...data].some((one) => one.startsWith(text.slice(0, -1))));
  const read = (text: string) => {
    expect(text, "a place that isn't filled").not.toMatch(/\{\w+\}/);
    for (const part of text.split(/([⟦⟧])/)) {
      if (part === OPEN) depth++;
      else if (part === CLOSE) depth--;
      else if (depth === 0 && !isData(part.trim()) && !part.trim().split(/\s+/).every(isData))
        left.add(part.trim());
    }
  };
  const visit = (node: Node): void => {
    if (node instanceof Text) read(node.data);
    else if (node instanceof Element) {
      for (const name of ATTRIBUTES) read(node.getAttribute(name) ?? "");
      if (node.matches(LEFT_OUT)) return;
    }
    node.childNodes.forEach(visit);
  };
  visit(root);
  expect(depth, "brackets that are open").toBe(0);
  return [...left];
}

/** A store on screen, in an element of its own. */
function shown(store: Store): ShadowRoot {
  const host = document.body.appendChild(document.createElement("div"));
  const leave = front.mount(
    host,
    store,
    front.PANELS,
    picker(() => ({})),
    new front.Hints(store),
  );
  onTestFinished(() => {
    leave();
    store.close();
    host.remove();
  });
  return host.shadowRoot!;
}

async function opened(fixture: string, traits: Record<string, unknown>) {
  const page: Page = await front.readPage(readFileSync(join(FOLDER, `${fixture}.page`), "ascii"));
  const address = { ...readAddress("", fixture), traits };
  const own = new front.PlainTraits(traitsOf(page, address));
  const source = front.withSteps(new front.PageSource(page.sources[0]!), own.get("_panels"));
  const store = new front.Store(source, own);
  const root = shown(store);
  await vi.waitFor(() => expect(store.settled.value).toBe(true), 5000);
  return { store, root, data: new Set(textsIn(page.sources)) };
}

const HEADS = [
  [0, 0],
  [0, 1],
];

test.each<[fixture: string, traits: Record<string, unknown>]>([
  ["causal", { _editable: true, chain_rule: true, hide_sink: true, combine: "rollout" }],
  ["causal", { mode: "arcs", direction: "to", position: 2, heads: HEADS, lens: "divergence" }],
  ["causal", { combine: "difference", heads: HEADS, order: "vllm", temperature: 0 }],
  ["causal", { combine: "max", heads: HEADS, top_k: 3, min_p: 0.2, typical_p: 0.5 }],
  ["causal", { lecture: true, mode: "steps" }],
  ["512-tokens", { lecture: true }],
  ["long", { mode: "arcs" }],
  ["masked", { _editable: true }],
  ["unmasked", {}],
  ["two-sentences", { mode: "arcs", _editable: true }],
  ["encoder", { chain_rule: true }],
  ["encoder-decoder", { _editable: true, kind: "cross" }],
  ["t5", { mode: "steps" }],
  ["generation", { _editable: true, position: 6, shade: "rank" }],
  ["lens-of-many", { lens: "rank", stream: "mlp" }],
  ["one-token", { chain_rule: true }],
  ["no-head", {}],
  ["no-steps", { mode: "steps" }],
  ["projection", { mode: "steps" }],
  ["state-space", {}],
  ["training", { step: 60 }],
  ["training-two", { kind: "self" }],
  ["survey", { examples: "deciles", heads: HEADS }],
  ["training", { held: 0, side: "difference", chain_rule: true }],
  ["training-two", { lecture: true }],
])("nothing of %s with %o is left in English", async (fixture, traits) => {
  const { store, root, data } = await opened(fixture, traits);
  const look = async (when: string) => {
    await vi.waitFor(() => expect(store.settled.value).toBe(true), 5000);
    expect(leftIn(root, data), when).toEqual([]);
  };
  await look("at first");
  expect(root.querySelector(".help h4")?.textContent).toBe(pseudo.keys.scopes.page.title);
  const switches = root.querySelectorAll<HTMLButtonElement>("[aria-pressed], .dice button");
  for (const button of [...switches].slice(0, SWITCHES)) button.click();
  const mark = root.querySelector<HTMLSelectElement>(".habits select");
  if (mark) mark.value = "induction";
  mark?.dispatchEvent(new Event("change"));
  store.hovered.value = 1;
  store.attention.preview.value = { layer: 0, head: 1 };
  await look("with all that can be switched on");
  store.attention.preview.value = null;
  store.pin(0);
  await look("with another token in focus");
});

describe("with a kernel", () => {
  let source: InstanceType<typeof fakes.SlowSource> & { isGone: Signal<boolean> };
  let model: InstanceType<typeof fakes.Model>;
  const look = async (root: ShadowRoot, ...data: unknown[]) => {
    await fakes.settle();
    expect(leftIn(root, new Set(textsIn(data)))).toEqual([]);
  };

  beforeEach(() => {
    source = Object.assign(new fakes.SlowSource(), { isGone: signal(false) });
    model = new fakes.Model();
  });

  test("nothing is left in English where a model is chosen", async () => {
    const store = new front.Store(source, model);
    const root = shown(store);
    await look(root);
    const choices = [{ name: null, title: "small", detail: "few layers", ready: true }];
    await source.answer("model", { choices });
    await look(root, choices);
    void store.models.load("small");
    await look(root, choices);
    await source.fail("load/small", "not there", "default");
    await look(root, choices, "not there");
    source.isGone.value = true;
    await look(root, choices);
  });

  test("nothing is left in English of what goes well, and of what doesn't", async () => {
    model.values._panels = ["header", "tokens", "overview", "attention", "next-token"];
    const store = new front.Store(source, model);
    const root = shown(store);
    const facts = { ...fakes.FACTS, heads: 4, device: "cpu", dtype: "float32" };
    await source.answer("model", { model: facts });
    const trace = { ...fakes.traceAnswer("t1", "one"), cache: [1e6, 1e9] };
    await look(root, facts);
    await source.answer("text/one", trace);
    await source.answer("t1/logits/1", fakes.LOGITS);
    await look(root, facts, trace);
    store.say(new Error("went wrong"));
    await look(root, facts, trace, "went wrong");
    source.isGone.value = true;
    store.attention.keep({ layer: 1, head: 1 });
    store.editor.edit("another");
    await look(root, facts, trace);
    expect(root.querySelector("p.problem")?.textContent).toBe(pseudo.app.disconnected);
  });
});
