import { type ReadonlySignal, computed, effect, signal } from "@preact/signals";
import type { Store } from "./store";

export type HintName = "type" | "map" | "temperature" | "play";

const ALL: readonly HintName[] = ["type", "map", "temperature", "play"];
const STORED = "llmscope.hints"; // names of those that are over
const CHANGED = "llmscope-hints";

/**
 * Four things to do, in this order: each is said until it is done, by whoever is at this browser, and
 * never again.
 */
export class Hints {
  readonly now: ReadonlySignal<HintName | null>;
  readonly #over = signal<ReadonlySet<string>>(new Set(ALL));

  constructor(private readonly store: Store) {
    this.now = computed(() => {
      if (!store.trace.value || store.state.lecture.value) return null;
      return ALL.find((name) => !this.#over.value.has(name) && this.#isThere(name)) ?? null;
    });
  }

  start(): () => void {
    const { state, attention } = this.store;
    const { text, temperature } = state;
    const [firstText, firstTemperature] = [text.peek(), temperature.peek()];
    this.#read();
    const ends = [
      effect(() => void (text.value !== firstText && this.#end("type"))),
      effect(() => void (attention.preview.value && this.#end("map"))),
      effect(() => void (temperature.value !== firstTemperature && this.#end("temperature"))),
      effect(() => void (state.playing.value && this.#end("play"))),
    ];
    const read = () => this.#read();
    for (const event of [CHANGED, "storage"]) addEventListener(event, read);
    return () => {
      ends.forEach((end) => end());
      for (const event of [CHANGED, "storage"]) removeEventListener(event, read);
    };
  }

  /** All of them are over. */
  end(): void {
    this.#write([...ALL]);
  }

  /** They are said anew. */
  again(): void {
    this.#write([]);
  }

  #isThere(name: HintName): boolean {
    const { state, samples } = this.store;
    const has = (panel: string) => state.panels.value.includes(panel);
    if (name === "type") return has("tokens") && state.editable.value;
    if (name === "map") return has("overview") && this.store.attention.layers.value.length > 0;
    return name === "temperature" ? has("next-token") && samples.value : has("generation");
  }

  #end(name: HintName): void {
    const over = this.#over.peek();
    if (!over.has(name)) this.#write([...over, name]);
  }

  #read(): void {
    try {
      this.#over.value = new Set(JSON.parse(localStorage.getItem(STORED) ?? "[]") as string[]);
    } catch {
      this.#over.value = new Set(ALL); // Nothing can be stored here.
    }
  }

  #write(over: string[]): void {
    this.#over.value = new Set(over);
    try {
      localStorage.setItem(STORED, JSON.stringify(over));
    } catch {
      return;
    }
    dispatchEvent(new Event(CHANGED)); // to other views
  }
}
