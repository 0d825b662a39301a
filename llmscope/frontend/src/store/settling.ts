import { type ReadonlySignal, signal } from "@preact/signals";
import type { AskOptions, Part, Source } from "../protocol/source";

/** Frames without a change, after which all that a change led to is asked for and painted. */
const FRAMES = 3;

/**
 * Tells when the view has come to rest: every request is answered, every trait is saved, and what
 * followed is painted. Tests wait for it.
 */
export class Settling {
  readonly #settled = signal(false);
  #left = 0;
  #frame = 0; // 0 while it waits for none
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** `isBusy` must call `touch` once it is over. */
  constructor(private readonly isBusy: () => boolean) {}

  get settled(): ReadonlySignal<boolean> {
    return this.#settled;
  }

  /** Something happened that may lead to more. Cheap: sliders call it with each of their steps. */
  touch(): void {
    this.#settled.value = false;
    this.#left = FRAMES;
    if (!this.#frame && !this.#closed) this.#wait();
  }

  close(): void {
    this.#closed = true;
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#frame = requestAnimationFrame(() => {
      this.#timer = setTimeout(() => {
        this.#frame = 0;
        if (this.isBusy()) return;
        if (--this.#left > 0) this.#wait();
        else this.#settled.value = true;
      });
    });
  }
}

/** A source that counts the requests under way. */
export class CountedSource implements Source {
  pending = 0;
  onChange: () => void = () => {};

  constructor(private readonly source: Source) {}

  ask<T = Part>(key: string, options?: AskOptions): Promise<T> {
    this.#count(1);
    const answer = this.source.ask<T>(key, options);
    const end = () => this.#count(-1);
    answer.then(end, end);
    return answer;
  }

  lacks(key: string): string | null {
    return this.source.lacks(key);
  }

  holds(key: string): boolean {
    return this.source.holds?.(key) ?? false;
  }

  close(): void {
    this.source.close();
  }

  #count(change: 1 | -1): void {
    this.pending += change;
    this.onChange();
  }
}
