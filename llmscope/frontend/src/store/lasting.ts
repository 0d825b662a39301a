/** Answers that are about no trace: they outlive what is typed, and may come in parts. */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Request, formatKey } from "../protocol/keys";
import type { Part, Source } from "../protocol/source";

const KEPT = 64;

export class LastingAnswers {
  readonly #answers = new Map<string, { answer: Signal<unknown>; over: AbortController }>();

  constructor(
    private readonly source: Source,
    private readonly report: (error: unknown) => void,
  ) {}

  /** The part that came last; `null` before the first. */
  watch<T>(request: Request): ReadonlySignal<T | null> {
    const key = formatKey(request);
    const known = this.#answers.get(key) ?? this.#ask(key);
    this.#answers.delete(key);
    this.#answers.set(key, known);
    if (this.#answers.size > KEPT) this.#forget(this.#answers.keys().next().value!);
    return known.answer as Signal<T | null>;
  }

  has(request: Request): boolean {
    return this.#answers.get(formatKey(request))?.answer.peek() != null;
  }

  /** Asks anew, from the next time that it is looked at: what was under way is cancelled. */
  forget(request: Request): void {
    this.#forget(formatKey(request));
  }

  close(): void {
    for (const key of [...this.#answers.keys()]) this.#forget(key);
  }

  #ask(key: string) {
    const answer = signal<unknown>(null);
    const over = new AbortController();
    const onPart = (part: Part) => (answer.value = part);
    Promise.resolve() // What must be there first is asked for at once.
      .then(() => this.source.ask(key, { signal: over.signal, onPart }))
      .then(onPart)
      .catch(this.report);
    return { answer, over };
  }

  #forget(key: string): void {
    this.#answers.get(key)?.over.abort();
    this.#answers.delete(key);
  }
}
