import { useRef } from "preact/hooks";
import { linePath } from "../../../draw/paths";
import { useScale } from "../../../ui/em";
import { component } from "../../../ui/format";
import { linearScale, ticks } from "../../../ui/scale";
import { useSize } from "../../../ui/use-size";

const ROOM = { left: 46, right: 14, top: 10, bottom: 40 };

interface CurvesProps {
  label: string;
  /** What is counted to the right. */
  across: string;
  at: readonly number[];
  /** The curve that is looked at, and others like it. */
  main: readonly number[];
  others?: readonly (readonly number[])[];
  /** A place that is marked. */
  here?: number;
}

/** Numbers over distances or positions. */
export function Curves({ label, across, at, main, others = [], here }: CurvesProps) {
  const box = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(box);
  const em = useScale();
  const all = [main, ...others].flat().filter(Number.isFinite);
  const [low, high] = [Math.min(0, ...all), Math.max(0, ...all)];
  const [left, right] = [ROOM.left * em, width - ROOM.right * em];
  const [top, bottom] = [ROOM.top * em, height - ROOM.bottom * em];
  const ends = [Math.min(...at), Math.max(...at)] as const;
  const x = linearScale(ends[0] === ends[1] ? [ends[0] - 1, ends[1] + 1] : ends, [left, right]);
  const y = linearScale(low === high ? [low - 1, high + 1] : [low, high], [bottom, top]);
  const path = (values: readonly number[]) =>
    linePath(at.map((place, index) => [x(place), y(values[index]!)] as const));
  return (
    <div ref={box} class="model-curves">
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={label}>
          {ticks(low, high, 3).map((tick) => (
            <g key={tick}>
              <path class="hair" d={`M${left} ${y(tick)}H${right}`} />
              <text x={left - 6} y={y(tick)} text-anchor="end" dominant-baseline="central">
                {component(tick)}
              </text>
            </g>
          ))}
          {ticks(...ends, 6)
            .filter(Number.isInteger)
            .map((tick) => (
              <text key={tick} x={x(tick)} y={bottom + 15 * em} text-anchor="middle">
                {component(tick).replace(/\.00$/, "")}
              </text>
            ))}
          <text x={(left + right) / 2} y={height - 4 * em} text-anchor="middle">
            {across}
          </text>
          {others.map((values, index) => (
            <path key={index} class="other" d={path(values)} />
          ))}
          <path class="main" d={path(main)} />
          {at.length <= 64 &&
            main.map((value, index) => (
              <circle
                key={index}
                class={at[index] === here ? "here" : ""}
                cx={x(at[index]!)}
                cy={y(value)}
                r={(at[index] === here ? 4.5 : 2.5) * em}
              />
            ))}
        </svg>
      )}
    </div>
  );
}
