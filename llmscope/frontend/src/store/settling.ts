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
  #frame = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `isBusy` must call `touch` once it is over. */
  constructor(private readonly isBusy: () => boolean) {}

  get settled(): ReadonlySignal<boolean> {
    return this.#settled;
  }

  /** Something happened that may lead to more. */
  touch(): void {
    this.#settled.value = false;
    this.close();
    this.#wait(FRAMES);
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
  }

  #wait(frames: number): void {
    if (this.isBusy()) return;
    this.#frame = requestAnimationFrame(() => {
      this.#timer = setTimeout(() => {
        if (frames > 1) this.#wait(frames - 1);
        else this.#settled.value = !this.isBusy();
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

  close(): void {
    this.source.close();
  }

  #count(change: 1 | -1): void {
    this.pending += change;
    this.onChange();
  }
}
