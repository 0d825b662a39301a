/** Answers that are about no trace: they outlive what is typed, and may come in parts. */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Request, formatKey } from "../protocol/keys";
import type { Part, Source } from "../protocol/source";

const KEPT = 64;

/** An answer that takes long: it can be ended and gone on with, and what came of it stays. */
export class Running<T> {
  /** The part that came last; `null` before the first. */
  readonly latest = signal<T | null>(null);
  readonly isRunning = signal(false);
  #over = new AbortController();

  constructor(
    private readonly key: string,
    private readonly source: Source,
    private readonly report: (error: unknown) => void,
  ) {}

  start(): void {
    if (this.isRunning.peek()) return;
    const { signal } = (this.#over = new AbortController());
    const take = (part: Part) => void (signal.aborted || (this.latest.value = part as T));
    this.isRunning.value = true;
    this.source
      .ask(this.key, { signal, onPart: take })
      .then(take)
      .catch((error: unknown) => signal.aborted || this.report(error))
      .finally(() => signal.aborted || (this.isRunning.value = false));
  }

  stop(): void {
    this.#over.abort();
    this.isRunning.value = false;
  }
}

interface Answer {
  answer: Signal<unknown>;
  over: AbortController;
  /** Of what is asked about, when it was asked. */
  version: number;
  isPending: boolean;
}

export class LastingAnswers {
  readonly #running = new Map<string, Running<unknown>>();
  readonly #answers = new Map<string, Answer>();

  constructor(
    private readonly source: Source,
    private readonly report: (error: unknown) => void,
  ) {}

  /**
   * The part that came last; `null` before the first. Of another version of what is asked about it is
   * asked again, and stays until the new one is there.
   */
  watch<T>(request: Request, version = 0): ReadonlySignal<T | null> {
    const key = formatKey(request);
    let known = this.#answers.get(key);
    if (!known || (known.version !== version && !known.isPending))
      known = this.#ask(key, version, known?.answer);
    this.#answers.delete(key);
    this.#answers.set(key, known);
    if (this.#answers.size > KEPT) this.#forget(this.#answers.keys().next().value!);
    return known.answer as Signal<T | null>;
  }

  /** The same of what takes long: who wants it starts it. */
  running<T>(request: Request): Running<T> {
    const key = formatKey(request);
    const known = this.#running.get(key) ?? new Running(key, this.source, this.report);
    this.#running.set(key, known);
    return known as Running<T>;
  }

  has(request: Request): boolean {
    const key = formatKey(request);
    const found = this.#running.get(key)?.latest ?? this.#answers.get(key)?.answer;
    return found?.peek() != null;
  }

  /** Asks anew, from the next time that it is looked at: what was under way is cancelled. */
  forget(request: Request): void {
    this.#forget(formatKey(request));
  }

  close(): void {
    this.#running.forEach((one) => one.stop());
    for (const key of [...this.#answers.keys()]) this.#forget(key);
  }

  #ask(key: string, version: number, answer: Signal<unknown> = signal(null)): Answer {
    const over = new AbortController();
    const asked = { answer, over, version, isPending: true };
    const onPart = (part: Part) => (answer.value = part);
    Promise.resolve() // What must be there first is asked for at once.
      .then(() => this.source.ask(key, { signal: over.signal, onPart }))
      .finally(() => (asked.isPending = false))
      .then(onPart)
      .catch(this.report);
    return asked;
  }

  #forget(key: string): void {
    this.#answers.get(key)?.over.abort();
    this.#answers.delete(key);
  }
}
