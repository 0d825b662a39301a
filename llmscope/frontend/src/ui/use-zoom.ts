import { type Signal, useSignal } from "@preact/signals";
import { select } from "d3-selection";
import { type ZoomTransform, zoom as d3zoom, zoomIdentity } from "d3-zoom";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

export interface Zoom {
  /** Screen = start + cell * scale. */
  transform: Signal<ZoomTransform>;
  /** Zooms by a factor around a point of the element. */
  by(factor: number, around?: [x: number, y: number]): void;
  pan(x: number, y: number): void;
  reset(): void;
}

/**
 * Zoom and pan of an element: by Ctrl and the wheel, or the wheel alone once it has the focus (so
 * that a page scrolls past it), by pinch and by drag.
 */
export function useZoom(
  ref: RefObject<HTMLElement | null>,
  width: number,
  height: number,
  most: number,
): Zoom {
  const transform = useSignal(zoomIdentity);
  const behavior = useRef(d3zoom<HTMLElement, unknown>()).current;

  useEffect(() => {
    const element = ref.current;
    if (!element || width <= 0) return;
    behavior
      .extent([
        [0, 0],
        [width, height],
      ])
      .translateExtent([
        [0, 0],
        [width, height],
      ])
      .scaleExtent([1, most])
      .filter((event: Event) => {
        const { k } = transform.peek();
        if (event instanceof WheelEvent) {
          if (k === 1 && event.deltaY > 0) return false;
          const { activeElement } = element.getRootNode() as ShadowRoot;
          const focused = activeElement?.contains(element) ?? false;
          return event.ctrlKey || event.metaKey || focused;
        }
        if (event.type === "dblclick") return false;
        if (event.type.startsWith("touch"))
          return k > 1 || (event as TouchEvent).touches.length > 1;
        return (event as MouseEvent).button === 0;
      })
      .on("zoom", ({ transform: now }: { transform: ZoomTransform }) => (transform.value = now));
    select(element).call(behavior).on("dblclick.zoom", null);
    element.style.touchAction = "pan-x pan-y";
    // What was in sight before a new size may be out of bounds now.
    behavior.transform(select(element), transform.peek());
    return () => void select(element).on(".zoom", null);
  }, [width, height, most]);

  const on = () => select(ref.current!);
  return {
    transform,
    by: (factor, around) => ref.current && behavior.scaleBy(on(), factor, around),
    pan: (x, y) => ref.current && behavior.translateBy(on(), x, y),
    reset: () => ref.current && behavior.transform(on(), zoomIdentity),
  };
}
