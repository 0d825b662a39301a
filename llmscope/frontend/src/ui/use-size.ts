import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import { measuredWith } from "./paper";

export interface Size {
  width: number;
  height: number;
}

/** The size of an element in CSS pixels, 0 by 0 until it is known. */
export function useSize(ref: RefObject<HTMLElement | null>): Size {
  const size = useSignal<Size>({ width: 0, height: 0 });
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => {
      const [width, height] = [element.clientWidth, element.clientHeight];
      const { width: before, height: low } = size.peek();
      if (width !== before || height !== low) size.value = { width, height };
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    const end = measuredWith(measure);
    return () => {
      observer.disconnect();
      end();
    };
  }, []);
  return size.value;
}
