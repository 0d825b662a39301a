import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { SearchAnswer } from "../protocol/answers";
import { type RequestOf, formatKey, otherKey } from "../protocol/keys";
import type { Source } from "../protocol/source";
import { problems as words } from "#words/problems";
import { fill } from "../words/fill";

/** The tokens that the model of the text on screen knows. */
export class Vocabulary {
  readonly #labels = new Map<string, Signal<string | null>>();

  constructor(
    private readonly source: Source,
    /** Whether that is the second of two models that are compared. */
    private readonly isOther: () => boolean,
  ) {}

  /** Those whose text contains this text. */
  search(text: string, signal: AbortSignal): Promise<SearchAnswer> {
    return this.source.ask<SearchAnswer>(this.#key({ type: "search", text }), { signal });
  }

  /** The label of any of them, once it is there. */
  label(id: number): ReadonlySignal<string | null> {
    const key = this.#key({ type: "token", id });
    const known = this.#labels.get(key);
    if (known) return known;
    const label = signal<string | null>(null);
    this.#labels.set(key, label);
    this.source
      .ask<{ label: string }>(key)
      .then((answer) => (label.value = answer.label))
      .catch(() => (label.value = fill(words.token, { id })));
    return label;
  }

  #key(request: RequestOf<"search" | "token">): string {
    return this.isOther() ? otherKey(formatKey(request)) : formatKey(request);
  }
}
