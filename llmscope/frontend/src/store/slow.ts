import type { Signal } from "@preact/signals";
import { problems as words } from "#words/problems";

const SLOW = 500; // ms, after which the view says what it waits for
const VERY_SLOW = 3000;

/** Says that a text is being read, once that takes long; the result ends it. */
export function sayWhenSlow(waiting: Signal<string | null>): () => void {
  const slow = setTimeout(() => (waiting.value = words.reading), SLOW);
  const verySlow = setTimeout(() => (waiting.value = words.stillReading), VERY_SLOW);
  return () => {
    clearTimeout(slow);
    clearTimeout(verySlow);
    waiting.value = null;
  };
}
