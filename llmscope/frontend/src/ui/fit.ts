/** A page that is given a height: its type is as small as it takes for all to be in sight. */

import { signal } from "@preact/signals";
import { PLAIN } from "./em";
import { atOnce, onPaper } from "./paper";

const LEAST = 6; // pixels of type: what doesn't fit then is scrolled to
const STEP = 0.5;

/** Pixels of the type of a whole page, but on a stage. */
export const type = signal(PLAIN);

/** Keeps `body` within so many pixels. */
export function fitHeight(body: HTMLElement, height: number): void {
  let width = 0;
  const set = (em: number) => {
    body.style.setProperty("--fit", String(em / PLAIN));
    type.value = em;
  };
  const isHigher = () => body.getBoundingClientRect().height > height;
  const fit = () => {
    if (onPaper.peek() || innerWidth === 0 || (innerWidth === width && !isHigher())) return;
    width = innerWidth;
    for (let em = PLAIN; em >= LEAST; em -= STEP) {
      atOnce(() => set(em));
      if (!isHigher()) return;
    }
  };
  new ResizeObserver(fit).observe(body);
  addEventListener("resize", fit);
}
