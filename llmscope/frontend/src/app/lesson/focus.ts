/** A presenter's remote is heard by whoever has the focus: the lesson, once it is there. */

import { wantKeys } from "../../host/frame";
import { isMain, whenPlaced } from "../../host/room";

/** Where a person writes: that isn't taken away from under their hands. */
function isWriting(at: Element): boolean {
  const editor = at.closest<HTMLElement>("input, textarea, select, [contenteditable=true]");
  if (!editor) return false;
  const text = "value" in editor ? String(editor.value) : editor.textContent;
  return text.trim() !== "";
}

/**
 * Takes the focus where the lesson is the whole page or slide, and nobody else needs it; and what nobody
 * hears is the lesson's. In the midst of a page it has to be clicked.
 */
export function takesFocus(host: HTMLElement, frame: HTMLElement): () => void {
  if (parent !== window) return hears(frame);
  let end = () => {};
  const wait = whenPlaced(host, () => {
    if (!isMain(host)) return;
    const here = document.activeElement;
    const isOther = here?.shadowRoot?.activeElement ?? null;
    if (!isOther && !(here && isWriting(here))) frame.focus({ preventScroll: true });
    end = hears(frame);
  });
  return () => {
    wait();
    end();
  };
}

/** Hands on to the lesson what nobody hears. A frame has its keys from the page around, which may give them. */
function hears(frame: HTMLElement): () => void {
  const unwant = wantKeys();
  const hear = (event: KeyboardEvent) => {
    const at = document.activeElement;
    if (event.defaultPrevented || (at && at !== document.body && at !== document.documentElement))
      return;
    if (event.target === document.body || event.target === document.documentElement) {
      const again = new KeyboardEvent(event.type, event);
      frame.dispatchEvent(again);
      if (again.defaultPrevented) event.preventDefault();
    }
  };
  document.addEventListener("keydown", hear);
  return () => {
    unwant();
    document.removeEventListener("keydown", hear);
  };
}
