/** How much of an edit there is, such as the scale of steering, while a person drags it. */

import { type ReadonlySignal, computed, effect, signal } from "@preact/signals";
import type { Edit } from "../protocol/edits";

const LONGEST = 1000; // ms that a change waits for a text that may never be read

/** The scale of a steered layer, the factor of a head; others have none. */
export const amountOf = ({ do: done, scale, factor }: Edit): number | undefined =>
  done === "steer" ? scale : done === "scale" ? factor : undefined;

const withAmount = (edit: Edit, amount: number): Edit =>
  edit.do === "steer" ? { ...edit, scale: amount } : { ...edit, factor: amount };

/**
 * A drag asks for one text after another: the latest, once the one before is read. So the model is
 * never asked for more than it can answer, and what is on screen is never far behind.
 */
export class Amounts {
  /** What the slider says, until the model is asked for it. */
  readonly #waiting = signal<{ index: number; amount: number } | null>(null);
  readonly #edits: ReadonlySignal<readonly Edit[]>;
  #timer = 0;

  constructor(
    edits: ReadonlySignal<readonly Edit[]>,
    private readonly isBehind: ReadonlySignal<boolean>,
    private readonly turnTo: (edits: readonly Edit[]) => void,
  ) {
    this.#edits = computed(() => edits.value);
  }

  start(): () => void {
    const end = effect(() => {
      const isWaiting = this.#waiting.value !== null;
      if (!isWaiting) return;
      if (this.isBehind.value) this.#timer ||= window.setTimeout(() => this.flush(), LONGEST);
      else this.flush();
    });
    return () => {
      end();
      window.clearTimeout(this.#timer);
    };
  }

  /** The amount of an edit as its slider has it. */
  of(index: number): number | undefined {
    const waiting = this.#waiting.value;
    if (waiting?.index === index) return waiting.amount;
    const edit = this.#edits.value[index];
    return edit && amountOf(edit);
  }

  set(index: number, amount: number): void {
    this.#waiting.value = { index, amount };
  }

  /** Asks for what the slider says now. */
  flush(): void {
    const waiting = this.#waiting.peek();
    window.clearTimeout(this.#timer);
    this.#timer = 0;
    if (!waiting) return;
    this.#waiting.value = null;
    const { index, amount } = waiting;
    const edits = this.#edits.peek();
    if (edits[index] && amountOf(edits[index]) !== amount)
      this.turnTo(edits.map((edit, at) => (at === index ? withAmount(edit, amount) : edit)));
  }
}
