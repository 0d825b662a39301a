import { px } from "../draw/canvas";
import type { TraceAnswer } from "../store/answers";
import { plain } from "./label";

const LONGEST = 12;

interface LabelProps {
  trace: TraceAnswer;
  size: number;
  left: number;
  top: number;
  /** The one that is pointed at, always shown. */
  focus: number;
  pinned?: number;
  scale: number;
}

/** Which of `count` labels stand at least `apart` pixels from each other; `always` ones first. */
export function spaced(count: number, size: number, apart: number, always: number[]): number[] {
  const step = Math.max(1, Math.ceil(apart / size));
  const kept: number[] = [];
  const free = (index: number) => kept.every((other) => Math.abs(other - index) >= step);
  for (const index of always) if (index >= 0 && index < count && free(index)) kept.push(index);
  for (let index = 0; index < count; index += step) if (free(index)) kept.push(index);
  return kept.sort((a, b) => a - b);
}

export function short(label: string): string {
  const characters = [...plain(label)];
  if (characters.length <= LONGEST) return characters.join("");
  return `${characters.slice(0, LONGEST - 1).join("")}…`;
}

export function QueryLabels({ trace, size, left, top, focus, pinned, scale }: LabelProps) {
  const count = trace.tokens.length;
  const always = pinned === undefined ? [focus] : [focus, pinned];
  return (
    <svg
      class="labels"
      style={{ left: px(0), top: px(top) }}
      width={left}
      height={size * count}
      aria-hidden="true"
    >
      {spaced(count, size, 15 * scale, always).map((index) => (
        <text
          key={index}
          x={left - 8}
          y={(index + 0.5) * size}
          text-anchor="end"
          dominant-baseline="central"
          class={index === focus || index === pinned ? "here" : ""}
        >
          {short(trace.tokens[index]![1])}
        </text>
      ))}
    </svg>
  );
}

export function KeyLabels({ trace, size, left, top, focus, scale }: LabelProps) {
  const count = trace.tokens.length;
  return (
    <svg
      class="labels"
      style={{ left: px(left), top: px(0) }}
      width={size * count}
      height={top}
      aria-hidden="true"
    >
      {spaced(count, size, 18 * scale, [focus]).map((index) => (
        <text
          key={index}
          transform={`translate(${(index + 0.5) * size + 3}, ${top - 7}) rotate(-45)`}
          class={index === focus ? "here" : ""}
        >
          {short(trace.tokens[index]![1])}
        </text>
      ))}
    </svg>
  );
}
