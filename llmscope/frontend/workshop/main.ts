/** Every panel over a stored page, chosen by the bar at the top, without Jupyter and without Python. */

import { type Address, NAMES, SETS, WIDTHS, readAddress, writeAddress } from "./address";
import {
  Hints,
  PANELS,
  PageSource,
  PlainTraits,
  Store,
  type Traits,
  lesson,
  mount,
  readPage,
  withSteps,
} from "./front";
import { PacedSource } from "./paced";
import { traitsOf } from "./traits";
import { languages } from "../src/words/languages";

interface Workshop {
  /** Of what is shown now: what Python would hold of it. */
  traits: Traits;
}

declare global {
  /** Whether the workshop reloads when a file changes; set by serve.mjs. */
  const RELOADS: boolean;
  /** Names of all fixtures; set by serve.mjs. */
  const FIXTURES: string[];

  interface Window {
    workshop?: Workshop;
  }
}

const FIRST = "causal";
const main = document.querySelector("main")!;
let close = () => {};

async function open(): Promise<void> {
  const address = readAddress(location.hash, FIRST);
  const page = await readPage(await stored(address.fixture));
  if (address.fixture !== readAddress(location.hash, FIRST).fixture) return;
  close();
  const traits = new PlainTraits(traitsOf(page, address));
  const held = new PageSource(page.sources[0]!);
  const { pace } = address;
  const source = pace > 0 ? new PacedSource(held, String(traits.get("text")), pace) : held;
  const store = new Store(withSteps(source, traits.get("_panels")), traits);
  document.documentElement.dataset.theme = address.theme;
  main.style.width = `${address.width}px`;
  const host = document.createElement("div");
  main.replaceChildren(host);
  const hints = address.hints ? new Hints(store) : undefined;
  const leave = mount(host, store, PANELS, undefined, hints, lesson);
  close = () => {
    leave();
    store.close();
  };
  fillBar(address, traits);
  window.workshop = { traits };
}

/** A fixture, in base64. */
async function stored(name: string): Promise<string> {
  const found = await fetch(`fixtures/${name}.page`);
  if (!found.ok) throw new Error(`There is no fixture ${name}.`);
  return found.text();
}

function fillBar(address: Address, traits: Traits): void {
  const go = (change: Partial<Address>) => {
    location.hash = writeAddress({ ...address, ...change });
  };
  const choose = (label: string, names: readonly string[], chosen: string, key: keyof Address) => {
    const select = Object.assign(document.createElement("select"), {
      onchange: () => go({ [key]: select.value }),
    });
    select.append(...names.map((name) => new Option(name, name, false, name === chosen)));
    const around = document.createElement("label");
    around.append(`${label} `, select);
    return around;
  };
  const lecture = document.createElement("button");
  lecture.textContent = "Lecture";
  lecture.onclick = () => traits.set("lecture", !traits.get("lecture"));
  document
    .querySelector("nav")!
    .replaceChildren(
      choose("Fixture", FIXTURES, address.fixture, "fixture"),
      choose("Panel", [...Object.keys(SETS), ...NAMES], address.panel, "panel"),
      choose("Theme", ["light", "dark"], address.theme, "theme"),
      choose("Language", Object.keys(languages), address.lang, "lang"),
      choose("Width", WIDTHS.map(String), String(address.width), "width"),
      lecture,
    );
}

function show(): void {
  open().catch((error: unknown) => {
    main.textContent = String(error);
  });
}

addEventListener("hashchange", show);
show();
if (RELOADS) new EventSource("/esbuild").addEventListener("change", () => location.reload());
