import { type Signal, batch, effect, untracked } from "@preact/signals";
import type { State } from "./state";

/** What can be taken back. */
const NAMES = [
  "temperature",
  "topK",
  "topP",
  "minP",
  "typicalP",
  "order",
  "heads",
  "edits",
  "side",
  "anchors",
  "patchFrom",
  "run",
  "step",
  "probe",
  "held",
  "heldRun",
] as const;
const MOST = 100; // steps

type Settings = Pick<State, (typeof NAMES)[number]>;

/** What a person set, gesture by gesture; what Python sets is no step of it. */
export class History {
  readonly #steps: Partial<Settings>[] = [];
  #known: Settings;
  /** Whether the gesture has made a step already. */
  #isOpen = false;
  #isAside = false;

  /** `isOwn` tells whether the value of a setting comes from this page. */
  constructor(
    private readonly state: { [K in keyof Settings]: Signal<Settings[K]> },
    private readonly isOwn: (name: keyof Settings) => boolean,
  ) {
    this.#known = this.#now();
  }

  start(): () => void {
    return effect(() => this.#follow());
  }

  /** A gesture begins: all that it changes is one step. */
  begin(): void {
    this.#isOpen = false;
  }

  /** What changes meanwhile is no step: a slide sets it, and not a person. */
  aside(act: () => void): void {
    this.#isAside = true;
    batch(act);
    this.#isAside = false;
    untracked(() => (this.#known = this.#now()));
  }

  /** Takes the last step back that changed anything; false without one. */
  undo(): boolean {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      const before = { ...this.#known, ...step };
      if (NAMES.every((name) => before[name] === this.#known[name])) continue;
      this.#known = before;
      batch(() => {
        for (const name of NAMES) (this.state[name] as Signal<unknown>).value = before[name];
      });
      return true;
    }
    return false;
  }

  #now(): Settings {
    return Object.fromEntries(NAMES.map((name) => [name, this.state[name].value])) as never;
  }

  #follow(): void {
    const [before, now] = [this.#known, this.#now()];
    const own = NAMES.filter((name) => now[name] !== before[name] && this.isOwn(name));
    this.#known = now;
    if (own.length === 0 || this.#isAside) return;
    if (!this.#isOpen) this.#steps.push({});
    this.#isOpen = true;
    const step = this.#steps.at(-1)!;
    for (const name of own) if (!(name in step)) (step as never)[name] = before[name] as never;
    if (this.#steps.length > MOST) this.#steps.shift();
  }
}
