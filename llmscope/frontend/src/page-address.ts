/** What the views of an exported page show, in its address: read, followed, and kept. */

import { effect } from "@preact/signals";
import { followAddress } from "./host/address";
import type { Facts } from "./protocol/answers";
import { type TextInput, parseKey } from "./protocol/keys";
import type { Content, Page } from "./sources/page/content";
import { ADDRESSED, type Room, type Said, readAddress, writeAddress } from "./store/address";
import type { Store } from "./store/store";
import type { PlainTraits } from "./store/traits";
import { address as words } from "#words/address";
import { fill } from "./words/fill";

interface Told {
  model?: { model?: Facts; prompts?: [string, string, string, number[]][] };
  training?: { runs: { model: { model: Facts }; probes: unknown[] }[] };
  evaluation?: { measures: { name: string }[] };
}

function roomOf({ answers }: Content, traits: Readonly<Record<string, unknown>>): Room {
  const { model, training, evaluation } = answers as Told;
  const requests = Object.keys(answers).map(parseKey);
  const runs = training?.runs ?? [];
  const facts = model?.model ?? runs[0]?.model.model;
  const counts = {
    layer: facts?.layers,
    head: facts?.heads,
    run: training && runs.length,
    probe: training && Math.max(...runs.map(({ probes }) => probes.length)),
  };
  return {
    traits: { ...traits },
    most: Object.fromEntries(
      Object.entries(counts).flatMap(([name, count]) => (count ? [[name, count - 1]] : [])),
    ),
    inputs: (model?.prompts ?? []).map(([text, pair, target, masked]): TextInput => ({
      text,
      pair,
      target,
      masked,
    })),
    held: {
      edits: [[], ...requests.flatMap((one) => (one?.type === "under" ? [one.edits] : []))],
      measure: evaluation?.measures.map(({ name }) => name) ?? [],
    },
  };
}

/** Sets the traits of all views as the address says, and keeps it as they say. */
export class PageAddress {
  readonly #rooms: Room[];
  readonly #stores = new Map<number, Store>();
  #said: Said[] = [];

  constructor(
    page: Page,
    private readonly traits: readonly PlainTraits[],
  ) {
    this.#rooms = page.views.map(({ source, traits }) => roomOf(page.sources[source]!, traits));
    const written = () =>
      writeAddress(
        this.#rooms,
        traits.map((one) => (name) => one.get(name)),
      );
    const changed = followAddress((hash) => {
      this.#read(hash);
      this.#stores.forEach((_, index) => this.#say(index));
    }, written);
    this.#read(location.hash);
    for (const one of traits) for (const name of ADDRESSED) one.on(`change:${name}`, changed);
  }

  /** A view is shown now: it says what is wrong with the address. */
  shown(index: number, store: Store): void {
    this.#stores.set(index, store);
    if (this.#said[index]!.problem || "position" in this.#said[index]!.traits) this.#say(index);
  }

  #read(hash: string): void {
    this.#said = readAddress(hash, this.#rooms);
    this.#said.forEach(({ traits: wanted }, index) => {
      const { traits } = this.#rooms[index]!;
      const own = this.traits[index]!;
      for (const name of ADDRESSED) {
        const value = name in wanted ? wanted[name] : traits[name];
        if (JSON.stringify(own.get(name)) !== JSON.stringify(value)) own.set(name, value);
      }
    });
  }

  #say(index: number): void {
    const store = this.#stores.get(index)!;
    const { problem, traits } = this.#said[index]!;
    const say = (words: string) => store.say(words ? new Error(words) : null);
    say(problem);
    // How many tokens there are is known once the text is there; and what is said before is gone then.
    const end = effect(() => {
      const trace = store.trace.value;
      if (!trace) return;
      const length = Math.max(trace.tokens.length, trace.target.length);
      const isBeyond = Number(traits.position ?? -1) >= length;
      if (isBeyond) this.traits[index]!.set("position", this.#rooms[index]!.traits.position);
      say(isBeyond ? fill(words.position, { last: length - 1 }) : problem);
      queueMicrotask(() => end());
    });
  }
}
