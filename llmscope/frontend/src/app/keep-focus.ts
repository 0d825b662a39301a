import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/**
 * What has the focus in an element may go, be hidden or be disabled: then the element takes it, or no
 * key would be heard any more.
 */
export function useKeptFocus(frame: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const element = frame.current!;
    const root = element.getRootNode() as Document | ShadowRoot;
    let last: Element | null = null;
    const follow = ({ target }: Event) => (last = target as Element);
    const leave = ({ relatedTarget }: FocusEvent) => relatedTarget && (last = null);
    const observer = new MutationObserver(() => {
      if (!last || (last.isConnected && !last.matches(":disabled") && last.checkVisibility()))
        return;
      const at = root.activeElement;
      const elsewhere = document.activeElement !== document.body && !at;
      if (!elsewhere && (!at || at === last)) element.focus({ preventScroll: true });
      last = null;
    });
    element.addEventListener("focusin", follow);
    element.addEventListener("focusout", leave);
    const attributeFilter = ["class", "disabled"];
    observer.observe(element, { childList: true, subtree: true, attributeFilter });
    return () => {
      observer.disconnect();
      element.removeEventListener("focusin", follow);
      element.removeEventListener("focusout", leave);
    };
  }, []);
}
