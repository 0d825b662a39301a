/** A lesson that is given: which slide is on, what it sets, and whether somebody left it. */

import {
  type ReadonlySignal,
  type Signal,
  computed,
  effect,
  signal,
  untracked,
} from "@preact/signals";
import type { Slide } from "../protocol/lesson";
import { type State, TRAITS } from "./state";
import type { Store } from "./store";

const MOVING = 600; // ms that a slider takes to its place
/** Traits of sliders, which move there. */
const SLIDERS = ["temperature", "top_k", "top_p", "min_p", "typical_p", "threshold"];

/** Traits that say what is read. */
const READ = ["text", "pair", "target", "masked"];

const NAMES = Object.fromEntries(
  Object.entries(TRAITS).map(([name, trait]) => [trait, name as keyof State]),
);

const same = (one: unknown, other: unknown): boolean =>
  one === other || JSON.stringify(one) === JSON.stringify(other);

export class LessonStore {
  readonly slides: readonly Slide[];
  readonly slide: ReadonlySignal<Slide>;
  readonly at: Signal<number>;
  /** Slides whose answer was revealed. */
  readonly #revealed = signal<ReadonlySet<number>>(new Set());
  /** Whether there is an answer, and nobody has seen it. */
  readonly isHeld: ReadonlySignal<boolean>;
  /** Whether what is on screen isn't what the slide set. */
  readonly isOff: ReadonlySignal<boolean>;
  readonly isDark = signal(false);
  readonly isLit = signal(false);
  /** A number that is typed, to go there. */
  readonly typed = signal("");
  /** What the class said the next token is, or the value of a slider when it was revealed. */
  readonly guesses = signal<readonly string[]>([]);
  readonly guessed = signal<number | null>(null);
  /** Counts what makes panels forget what they alone knew: a way back to the track. */
  readonly visits = signal(0);
  /** A panel that a person opened from another. */
  readonly opened = signal<string | null>(null);
  readonly #touched = signal(false);
  readonly #isMoving = signal(false);
  #end = () => {};
  #frame = 0;
  /** The slide whose values were set. */
  #applied = 0;

  constructor(private readonly store: Store) {
    const { slide, lesson } = store.state;
    this.slides = lesson.peek()!.slides;
    this.at = slide;
    this.slide = computed(() => this.slides[slide.value] ?? this.slides[0]!);
    this.#applied = slide.peek();
    this.isHeld = computed(() => {
      const { guess, answer } = this.slide.value;
      return (guess !== "" || answer.length > 0) && !this.#revealed.value.has(slide.value);
    });
    this.isOff = computed(
      () => !this.#isMoving.value && (this.#touched.value || this.#differing.length > 0),
    );
  }

  start(): () => void {
    this.#end = effect(() => {
      const at = this.at.value;
      untracked(() => at !== this.#applied && this.#turn(at));
    });
    return () => {
      this.#end();
      if (this.#isMoving.peek()) this.#arrive(this.#target());
    };
  }

  /** One step on: the answer, the way back to the track, or the next slide; false at the end. */
  next(): boolean {
    if (this.isOff.peek()) this.back();
    else if (this.isHeld.peek()) this.reveal();
    else return this.go(this.at.peek() + 1);
    return true;
  }

  previous(): boolean {
    if (!this.isOff.peek()) return this.go(this.at.peek() - 1);
    this.back();
    return true;
  }

  /** Goes to a slide, from 0; false where there is none. */
  go(to: number): boolean {
    this.typed.value = "";
    if (!this.slides[to]) return false;
    if (to === this.at.peek()) this.back();
    else this.at.value = to;
    return true;
  }

  /** Begins anew, with all answers held back. */
  begin(): void {
    this.#revealed.value = new Set();
    this.go(0);
  }

  /** Makes all as the slide has it. */
  back(): void {
    this.#touched.value = false;
    this.opened.value = null;
    this.visits.value++;
    this.#move();
  }

  /** Shows what was held back. */
  reveal(): void {
    const { guess } = this.slide.peek();
    if (SLIDERS.includes(guess)) this.guessed.value = this.#signal(guess).peek() as number;
    this.#revealed.value = new Set([...this.#revealed.peek(), this.at.peek()]);
    this.#move();
  }

  /** A digit of the number of a slide. */
  type(digit: number): void {
    this.typed.value = `${this.typed.peek()}${digit}`.slice(-3);
  }

  /** Goes to the slide whose number was typed; false without one. */
  jump(): boolean {
    const to = Number(this.typed.peek() || NaN) - 1;
    if (Number.isNaN(to)) return false;
    this.go(Math.max(0, Math.min(to, this.slides.length - 1)));
    return true;
  }

  /** One panel alone, or all. */
  light(): void {
    this.isLit.value = !this.isLit.peek();
  }

  /** Lifts what was pressed last; false without anything. */
  release(): boolean {
    const isOn = this.typed.peek() !== "" || this.isLit.peek();
    this.typed.value = "";
    this.isLit.value = false;
    return isOn;
  }

  /** A person opened another panel. */
  open(panel: string): void {
    this.opened.value = panel;
    this.#touched.value = true;
  }

  /** A person did something in a panel. */
  touch(): void {
    // A slider that is to be guessed is moved by those who guess.
    if (!(this.isHeld.peek() && SLIDERS.includes(this.slide.peek().guess)))
      this.#touched.value = true;
  }

  #turn(at: number): void {
    this.#applied = at;
    this.#touched.value = this.isLit.value = false;
    this.opened.value = null;
    this.guesses.value = [];
    this.guessed.value = null;
    this.#move();
  }

  #signal(trait: string): Signal<unknown> {
    return this.store.state[NAMES[trait]!] as Signal<unknown>;
  }

  /** Values of traits that the slide asks for; a slider that is to be guessed stays as it was. */
  #target(): Record<string, unknown> {
    const { base, slides } = this.store.state.lesson.value!;
    const { set, guess } = this.slide.value;
    const values: Record<string, unknown> = { ...base, ...set };
    if (this.isHeld.value && SLIDERS.includes(guess)) {
      const before = slides[this.at.value - 1]?.set ?? {};
      values[guess] = before[guess] ?? base[guess];
    }
    return values;
  }

  /** Traits that are other than the slide has them. */
  get #differing(): string[] {
    const target = this.#target();
    const guess = this.isHeld.value ? this.slide.value.guess : "";
    const gap = this.store.trace.value?.gaps.at(-1);
    return Object.keys(target).filter((trait) => {
      if (trait === guess || !NAMES[trait]) return false;
      const value = this.#signal(trait).value;
      if (trait === "position" && target[trait] === -1 && value === gap) return false;
      return !same(value, target[trait]);
    });
  }

  #set(values: Record<string, unknown>): void {
    const { history, trace, input } = this.store;
    // A masked model begins at a gap; another text, once it is read.
    const isRead = READ.every(
      (name) => !(name in values) || same(values[name], this.#signal(name).peek()),
    );
    const gap = isRead && !input.isUnread.peek() ? trace.peek()?.gaps.at(-1) : undefined;
    history.aside(() => {
      for (const [trait, given] of Object.entries(values)) {
        if (!NAMES[trait]) continue;
        const bound = this.#signal(trait);
        const value = trait === "position" && given === -1 ? (gap ?? given) : given;
        if (!same(bound.peek(), value)) bound.value = value;
      }
    });
  }

  /** Sets what the slide asks for: sliders move there, all else is there at once. */
  #move(): void {
    cancelAnimationFrame(this.#frame);
    const target = this.#target();
    const from = SLIDERS.filter((trait) => trait in target)
      .map((trait) => [trait, this.#signal(trait).peek() as number] as const)
      .filter(([trait, value]) => value !== target[trait]);
    const stays = Object.fromEntries(from);
    if (from.length === 0 || isStill()) return this.#arrive(target);
    this.#isMoving.value = true;
    this.store.setAhead(Object.fromEntries(from.map(([trait]) => [trait, target[trait]])));
    this.#set({ ...target, ...stays });
    const begin = performance.now();
    const all = this.store.model.peek()?.vocabulary ?? 1;
    const step = () => {
      const share = Math.min(1, (performance.now() - begin) / MOVING);
      if (share === 1) return this.#arrive(target);
      const eased = share * share * (3 - 2 * share);
      this.#set(
        Object.fromEntries(
          from.map(([trait, value]) => [
            trait,
            between(trait, value, target[trait] as number, eased, all),
          ]),
        ),
      );
      this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  #arrive(target: Record<string, unknown>): void {
    cancelAnimationFrame(this.#frame);
    this.#isMoving.value = false;
    this.#set(target);
    this.store.setAhead({});
  }
}

/** A value on the way from one to another; of top-k, on a track of its logarithm, where 0 is all. */
function between(trait: string, from: number, to: number, share: number, all: number): number {
  if (trait !== "top_k") return Math.round(1000 * (from + (to - from) * share)) / 1000;
  const [one, other] = [Math.log(from || all), Math.log(to || all)];
  return Math.max(1, Math.round(Math.exp(one + (other - one) * share)));
}

const isStill = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

const known = new WeakMap<Store, LessonStore>();

/** The lesson of a store, however often it is on screen. */
export function lessonOf(store: Store): LessonStore {
  const found = known.get(store) ?? new LessonStore(store);
  known.set(store, found);
  return found;
}
