import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Request, formatKey } from "../protocol/keys";
import type { Source } from "../protocol/source";

const KEPT = 64;

/** Asks for each array of one trace once, and keeps the ones used last. */
export class RequestCache {
  #answers = new Map<string, Promise<unknown>>();
  #watched = new Map<string, Signal<unknown>>();
  #over = new AbortController();

  constructor(private readonly source: Source) {}

  read<T>(request: Request, signal?: AbortSignal): Promise<T> {
    const key = formatKey(request);
    const known = this.#answers.get(key);
    this.#answers.delete(key);
    const answer = known ?? this.#ask(key, signal);
    this.#answers.set(key, answer);
    if (this.#answers.size > KEPT) {
      const [oldest] = this.#answers.keys();
      this.#answers.delete(oldest!);
    }
    return answer as Promise<T>;
  }

  /** The same as a signal, which is `null` until the answer is there; all that are asked for are kept. */
  watch<T>(request: Request, report: (error: unknown) => void): ReadonlySignal<T | null> {
    const key = formatKey(request);
    const known = this.#watched.get(key) as Signal<T | null> | undefined;
    if (known) return known;
    const answer = signal<T | null>(null);
    this.#watched.set(key, answer);
    Promise.resolve() // What must be there first is asked for at once.
      .then(() => this.read<T>(request))
      .then((part) => (answer.value = part))
      .catch(report);
    return answer;
  }

  /** Whether the answer is there, or follows from one that is: a row, of a matrix. */
  has(request: Request): boolean {
    const key = formatKey(request);
    if (this.#answers.has(key)) return true;
    if (!("matrix" in request)) return false;
    const matrix = key.slice(0, key.lastIndexOf("/") + 1);
    return [...this.#answers.keys()].some((known) => known.startsWith(matrix));
  }

  /** Forgets everything and cancels what is under way. */
  clear(): void {
    this.#over.abort();
    this.#answers.clear();
  }

  #ask(key: string, signal?: AbortSignal): Promise<unknown> {
    const forget = () => this.#answers.delete(key);
    signal?.addEventListener("abort", forget, { once: true });
    const until = signal ? AbortSignal.any([signal, this.#over.signal]) : this.#over.signal;
    const asked = this.source.ask(key, { signal: until });
    asked.catch(forget);
    return asked;
  }
}
