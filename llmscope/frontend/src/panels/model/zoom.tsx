import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { useSize } from "../../ui/use-size";

interface ZoomProps {
  picture: RefObject<HTMLElement | null>;
  layer: number;
}

/** From the bar of a block to the block itself, below. */
export function Zoom({ picture, layer }: ZoomProps) {
  const { width, height } = useSize(picture);
  const bar = useSignal<readonly [left: number, right: number] | null>(null);
  useLayoutEffect(() => {
    const here = picture.current?.querySelector<HTMLElement>(".model-bars > .here");
    const own = picture.current?.getBoundingClientRect();
    const at = here?.getBoundingClientRect();
    const now = at && own ? ([at.left - own.left, at.right - own.left] as const) : null;
    if (JSON.stringify(now) !== JSON.stringify(bar.peek())) bar.value = now;
  }, [width, height, layer]);
  const [left, right] = bar.value ?? [0, 0];
  return (
    <svg
      class="model-zoom"
      aria-hidden="true"
      viewBox={`0 0 ${width || 1} 1`}
      preserveAspectRatio="none"
    >
      {bar.value && <path d={`M${left} 0H${right}L${width} 1H0Z`} />}
    </svg>
  );
}
