import { signal } from "@preact/signals";

const REST = 250; // ms after the last change: browsers refuse addresses that change too often

/** The address of the page as it is now; `null` where nobody could open it. */
export const addressHere = signal<(() => string) | null>(null);

/**
 * Follows what is behind the `#` of a page's address, and keeps it; the result says that there is
 * something to keep. The address of a frame is of the page around it: it is followed, and not written.
 *
 * @param written what belongs there now, with its `#`
 */
export function followAddress(read: (hash: string) => void, written: () => string): () => void {
  addEventListener("hashchange", () => read(location.hash));
  if (parent !== window) return () => {};
  const here = () => location.href.replace(/#[^]*/, "") + written();
  addressHere.value = here;
  let timer = 0;
  const keep = () => {
    try {
      history.replaceState(history.state, "", here());
    } catch {
      // Of a page that has no address of its own, such as one that a script has written.
    }
  };
  return () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(keep, REST);
  };
}
