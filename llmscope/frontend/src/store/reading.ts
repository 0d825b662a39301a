import type { Signal } from "@preact/signals";
import { type Trace, type TraceAnswer, traceOf } from "../protocol/answers";
import { type Source, SourceError } from "../protocol/source";
import type { Core } from "./core";
import type { Input } from "./input";
import { focusOf } from "./next-token";
import { RequestCache } from "./request-cache";
import { sayWhenSlow } from "./slow";
import type { NextToken } from "./state";
import { placedKey } from "./text-input";

/** ms that nothing came on screen while a person types, after which a text before the last may. */
const PATIENCE = 500;

/** A text that was read, what comes next, and how the screen was when it was asked for. */
export interface Found {
  trace: Trace;
  next: NextToken | null;
  cache: RequestCache;
  reads: number;
  chosen: number;
  position: number;
}

interface Screen {
  /** Puts it on screen; `isLatest` is false for a text that was typed on meanwhile. */
  show(found: Found, key: string, isLatest: boolean): void;
  fail(error: unknown, key: string): void;
  waiting: Signal<string | null>;
}

/**
 * Reads one input after the other: the next one ends the one before. Where reading is slower than
 * typing, one before is read to its end, or nothing would come on screen before the person pauses.
 */
export class Reading {
  #latest: AbortController | null = null;
  #older: AbortController | null = null;
  #since = 0; // when the first was asked for of those that nothing came of yet
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly core: Core,
    private readonly source: Source,
    private readonly input: Input,
    private readonly isTyped: boolean,
    private readonly screen: Screen,
  ) {}

  read(key: string): void {
    clearTimeout(this.#again);
    const now = performance.now();
    if (!this.#latest) this.#since = now;
    if (!this.#older && now - this.#since > PATIENCE && this.isTyped) {
      this.#older = this.#latest;
    } else {
      this.#latest?.abort();
    }
    this.#latest = new AbortController();
    void this.#read(key, this.#latest);
  }

  /** Nothing is read any more. */
  stop(): void {
    clearTimeout(this.#again);
    this.#older?.abort();
    this.#latest?.abort();
    this.#older = this.#latest = null;
  }

  async #read(key: string, asked: AbortController): Promise<void> {
    try {
      const found = await this.#find(key, asked.signal);
      if (!asked.signal.aborted) this.screen.show(found, key, this.#end(asked));
    } catch (error) {
      if (asked.signal.aborted || !this.#end(asked)) return;
      this.screen.fail(error, key);
      if (error instanceof SourceError && error.again !== null) {
        this.#again = setTimeout(() => this.read(key), 1000 * error.again);
      }
    }
  }

  async #find(key: string, signal: AbortSignal): Promise<Found> {
    const { state } = this.core;
    const done = sayWhenSlow(this.screen.waiting);
    const reads = state.reads.peek();
    try {
      const answer = await this.source.ask<TraceAnswer>(key, { signal });
      const trace = traceOf(answer, placedKey(key, answer.masked));
      const chosen = state.position.peek();
      const position = chosen < 0 && trace.gaps.length > 0 ? trace.gaps.at(-1)! : chosen;
      const cache = new RequestCache(this.source);
      const next = await this.input.readNext(cache, trace, focusOf(trace, position), signal);
      return { trace, next, cache, reads, chosen, position };
    } finally {
      done();
    }
  }

  /** One is over; returns whether it was the last one asked for. */
  #end(asked: AbortController): boolean {
    const isLatest = asked === this.#latest;
    this.#older?.abort();
    this.#older = null;
    if (isLatest) this.#latest = null;
    else this.#since = performance.now();
    return isLatest;
  }
}
