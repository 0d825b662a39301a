/** What is shown, laid out for paper: as wide whatever the window, ink on white, and nothing to press. */

import { signal } from "@preact/signals";
import { options } from "preact";
import { PAPER } from "../host/frame";

/** Whether it is laid out for paper now. */
export const onPaper = signal(false);

/** Whether it is about to be printed: then it is drawn on white, too. */
export const isPrinted = signal(false);

/** What measures elements: no ResizeObserver is called while a page is printed. */
const measures = new Set<() => void>();

/** Once for what is measured, and again for what is measured within that. */
const ROUNDS = 3;

/** Has `measure` called whenever all is laid out at once, until the result is called. */
export function measuredWith(measure: () => void): () => void {
  measures.add(measure);
  return () => void measures.delete(measure);
}

/** Makes a change, and draws at once what follows from it: the paper doesn't wait for a frame. */
export function atOnce(change: () => void): void {
  const { debounceRendering, requestAnimationFrame } = options;
  const later: (() => void)[] = [];
  options.debounceRendering = (draw) => draw();
  options.requestAnimationFrame = (run) => later.push(run);
  try {
    change();
    for (let round = 0; round < ROUNDS; round++) {
      for (const measure of measures) measure();
      for (const run of later.splice(0)) run();
    }
  } finally {
    Object.assign(options, { debounceRendering, requestAnimationFrame });
    for (const run of later) run();
  }
}

/** Where what is shown has been scrolled to, which layouts without scrolling forget. */
let scrolled: { element: Element; top: number; left: number }[] = [];

const roots = new Set<ParentNode>();

function lay(paper: boolean, printed: boolean): void {
  if (paper)
    scrolled = [...roots]
      .flatMap((root) => [...root.querySelectorAll("*")])
      .filter(({ scrollTop, scrollLeft }) => scrollTop || scrollLeft)
      .map((element) => ({ element, top: element.scrollTop, left: element.scrollLeft }));
  atOnce(() => {
    isPrinted.value = printed;
    onPaper.value = paper;
  });
  if (!paper) for (const { element, top, left } of scrolled.splice(0)) element.scrollTo(left, top);
}

const print = (wanted: boolean) => wanted !== isPrinted.peek() && lay(wanted, wanted);

/** Lays out `root` for paper whenever it is printed, until the result is called. */
export function followPrinting(root: ParentNode): () => void {
  if (roots.size === 0) {
    addEventListener("beforeprint", begin);
    addEventListener("afterprint", end);
    // For whoever prints without saying so before.
    matchMedia("print").addEventListener("change", change);
  }
  roots.add(root);
  return () => void roots.delete(root);
}

const begin = () => print(true);
const end = () => print(false);
const change = ({ matches }: MediaQueryListEvent) => print(matches);

/** How high `body` is on paper of a width of `PAPER`; what is on screen stays as it is. */
export function heightOnPaper(body: HTMLElement): number {
  lay(true, false);
  const { width, height } = body.getBoundingClientRect();
  lay(false, false);
  return Math.ceil((height * PAPER) / width);
}
