/** Pages of many views, or in frames far below: what is in sight comes first. */

const WAIT = 1000; // ms that what is in sight has to itself, and a gesture
const NEAR = "50% 0px"; // of the window's height, above and below it

/** What a person does, meanwhile nothing is begun that isn't in sight. */
const GESTURES = ["pointerdown", "pointermove", "keydown", "wheel", "scroll", "input"];

/**
 * Calls what belongs to each element once it comes into sight. The others follow one by one while nobody
 * does anything: so that all is there when it is printed or searched, and heights are true.
 */
export function startInTurn(starts: ReadonlyMap<Element, () => void>): void {
  const left = new Map(starts);
  const begin = (element: Element) => {
    const start = left.get(element);
    left.delete(element);
    observer.unobserve(element);
    start?.();
  };
  const observer = new IntersectionObserver(
    (entries) => entries.forEach(({ isIntersecting, target }) => isIntersecting && begin(target)),
    { rootMargin: NEAR },
  );
  let touched = performance.now();
  const touch = () => (touched = performance.now());
  const next = () => {
    const [element] = left.keys();
    if (!element) {
      for (const gesture of GESTURES) removeEventListener(gesture, touch, { capture: true });
      return;
    }
    const wait = touched + WAIT - performance.now();
    if (wait > 0) return void setTimeout(later, wait);
    begin(element);
    later();
  };
  const later = () => whenIdle(next);
  for (const element of left.keys()) observer.observe(element);
  for (const gesture of GESTURES)
    addEventListener(gesture, touch, { capture: true, passive: true });
  setTimeout(later, WAIT);
}

const whenIdle = (run: () => void): void => {
  // A frame out of sight is never idle.
  if ("requestIdleCallback" in window) requestIdleCallback(run, { timeout: WAIT });
  else setTimeout(run, WAIT / 5); // Safari has none
};
