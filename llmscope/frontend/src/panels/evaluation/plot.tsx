import { useRef } from "preact/hooks";
import { useScale } from "../../ui/em";
import { linearScale, ticks } from "../../ui/scale";
import { useWidth } from "../../ui/use-width";
import { evaluation as words } from "#words/evaluation";
import { fill } from "../../words/fill";
import type { EvaluationAnswer } from "./answer";
import { nameOf, rounded, shown } from "./names";

const ROW = 30;
const AXIS = 24;
const NAMES = 150;
const NUMBERS = 104;

interface PlotProps {
  answer: EvaluationAnswer;
  at: number;
  models: readonly number[];
}

/** A dot for each model, with its interval. */
export function Plot({ answer, at, models }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const scale = useScale();
  const [rowHeight, axis] = [ROW * scale, AXIS * scale];
  const { name, unit } = answer.measures[at]!;
  const rows = models.map((model) => answer.models[model]!);
  const known = rows.flatMap(({ values }) => values[at]!.slice(0, 3) as (number | null)[]);
  const numbers = known.filter((one) => one !== null);
  const least = Math.min(...numbers);
  const most = Math.max(...numbers);
  const pad = (most - least) * 0.08 || Math.abs(most) * 0.1 || 1;
  const names = Math.min(NAMES * scale, width * 0.3);
  const [start, end] = [names + 8, Math.max(names + 40, width - NUMBERS * scale)];
  const ends = [least - pad, most + pad] as const;
  const place = linearScale(ends, [start, end]);
  const marks =
    numbers.length > 0 ? ticks(...ends, Math.max(2, Math.floor((end - start) / (90 * scale)))) : [];
  const height = rows.length * rowHeight + axis;
  return (
    <div ref={box} class="plot figures">
      {width > 0 && (
        <svg
          width={width}
          height={height}
          role="img"
          aria-label={fill(words.plot, { measure: nameOf(name) })}
        >
          {marks.map((mark) => (
            <g key={mark}>
              <line class="grid" x1={place(mark)} x2={place(mark)} y1={0} y2={height - axis} />
              <text x={place(mark)} y={height - axis / 2} text-anchor="middle">
                {rounded(mark, unit)}
              </text>
            </g>
          ))}
          {rows.map(({ name: model, values }, row) => {
            const [value, low, high] = values[at]!;
            const middle = (row + 0.5) * rowHeight;
            return (
              <g key={model}>
                <foreignObject x={0} y={middle - 12 * scale} width={names} height={24 * scale}>
                  <div class="ellipsis" title={model}>
                    {model}
                  </div>
                </foreignObject>
                <line class="row" x1={start} x2={end} y1={middle} y2={middle} />
                {low !== null && high !== null && (
                  <line class="interval" x1={place(low)} x2={place(high)} y1={middle} y2={middle} />
                )}
                {value !== null && <circle cx={place(value)} cy={middle} r={5 * scale} />}
                <text class="number" x={width - 2} y={middle} text-anchor="end">
                  {value === null ? words.notMeasured : shown(value, unit)}
                </text>
              </g>
            );
          })}
        </svg>
      )}
    </div>
  );
}
