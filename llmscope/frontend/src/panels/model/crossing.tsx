import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { useScale } from "../../ui/em";
import { useSize } from "../../ui/use-size";

const ABOVE = 6; // px over what it leads to
const ASIDE = 9; // px beside the picture
const HEAD = 4; // px, half of the arrow's head
const ROUND = 5;

/** From the end of the encoder to what reads it: cross-attention, or else the decoder's blocks. */
export function Crossing({ picture }: { picture: RefObject<HTMLElement | null> }) {
  useSize(picture); // what is measured below changes with it
  const em = useScale();
  const drawn = useSignal<readonly [path: string, width: number, height: number]>(["", 1, 1]);
  useLayoutEffect(() => {
    if (!picture.current) return;
    const { width, height } = picture.current.getBoundingClientRect();
    const path = pathIn(picture.current, em);
    if (path !== drawn.peek()[0]) drawn.value = [path, width || 1, height || 1];
  });
  const [path, width, height] = drawn.value;
  return (
    <svg
      class="model-crossing"
      aria-hidden="true"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
    >
      <path d={path} />
    </svg>
  );
}

function pathIn(picture: HTMLElement, em: number): string {
  const own = picture.getBoundingClientRect();
  const find = (selector: string) => {
    const box = picture.querySelector(selector)?.getBoundingClientRect();
    return box?.width ? box : null;
  };
  const side = own.width + ASIDE * em;
  const middle = ({ top, bottom }: DOMRect) => (top + bottom) / 2 - own.top;
  const [round, head] = [ROUND * em, HEAD * em];
  const encoder = find(".model-folded.encoder");
  if (!encoder) {
    const from = find(".model-tower > :nth-last-child(1 of :not(.model-arrow))");
    const to = find(".model-folded.self");
    if (!from || !to) return "";
    const [top, bottom, end] = [middle(from), middle(to), to.right - own.left];
    return (
      `M${from.right - own.left} ${top}H${side - round}q${round} 0 ${round} ${round}` +
      `V${bottom - round}q0 ${round} ${-round} ${round}H${end}` +
      `M${end + head} ${bottom - head}l${-head} ${head}l${head} ${head}`
    );
  }
  const to = find('.model-block [data-box*=".cross_heads"]') ?? find(".model-stack");
  if (!to) return "";
  const [top, turn, end] = [middle(encoder), to.top - own.top - ABOVE * em, to.top - own.top];
  const across = (to.left + to.right) / 2 - own.left;
  return (
    `M${encoder.right - own.left} ${top}H${side - round}q${round} 0 ${round} ${round}` +
    `V${turn - round}q0 ${round} ${-round} ${round}H${across}V${end}` +
    `M${across - head} ${end - head}l${head} ${head}l${head} ${-head}`
  );
}
