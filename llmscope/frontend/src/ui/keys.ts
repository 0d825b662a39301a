/** What keys of the keyboard do. */

type Act = (event: KeyboardEvent) => boolean | void;

/** By the name of a key, what it does; `false` says that it did nothing. */
export interface KeyMap {
  /** All four arrow keys: one step down (-1 is up) or right (-1 is left). */
  arrow?: (down: -1 | 0 | 1, right: -1 | 0 | 1, event: KeyboardEvent) => boolean | void;
  keys?: Record<string, Act>;
}

const ARROWS: Record<string, [down: -1 | 0 | 1, right: -1 | 0 | 1]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** A handler of key presses: a key that does something does nothing else. */
export const onKeys =
  ({ arrow, keys = {} }: KeyMap) =>
  (event: KeyboardEvent): void => {
    const step = ARROWS[event.key];
    const own = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
    const done = step && arrow ? arrow(...step, event) : own ? own(event) : false;
    if (done !== false) event.preventDefault();
  };

/** Whether a key that is pressed writes something, or picks it. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0] as HTMLElement;
  if (target instanceof HTMLInputElement) return !/^(range|radio|checkbox)$/.test(target.type);
  return /^(TEXTAREA|SELECT)$/.test(target.tagName);
}

const PAGE = 10; // tokens

/** Keys that move along a list, but for the arrows: to the place that `go` gets. */
export const pageKeys = (at: number, length: number, go: (to: number) => void) => ({
  PageUp: () => go(at - PAGE),
  PageDown: () => go(at + PAGE),
  Home: () => go(0),
  End: () => go(length - 1),
});
