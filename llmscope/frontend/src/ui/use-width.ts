import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** The width of an element in CSS pixels, 0 until it is known. */
export function useWidth(ref: RefObject<HTMLElement | null>): number {
  const width = useSignal(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => (width.value = Math.floor(element.clientWidth));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return width.value;
}
