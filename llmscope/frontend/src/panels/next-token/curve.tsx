import { rgb } from "../../draw/color-scale";
import { INK, ThemeContext } from "../../host/colors";
import { againstTemperature } from "../../sampling/curve";
import type { NextToken } from "../../store/state";
import type { Store } from "../../store/store";
import { useScale } from "../../ui/em";
import { plain } from "../../ui/label";
import { linearScale, logScale } from "../../ui/scale";
import { useWidth } from "../../ui/use-width";
import { nextToken as words } from "#words/next-token";
import { fill } from "../../words/fill";
import { useContext, useMemo, useRef } from "preact/hooks";

const LINES = 5;
const HOTTEST = 2;
const HEIGHT = 150;
const MARGIN = { left: 44, right: 110, top: 10, bottom: 26 };
const LEADER = 20; // from the end of a line to what it is called

/** The probability of each likely token against temperature, and the size of the nucleus. */
export function Curve({ store, next }: { store: Store; next: NextToken }) {
  const box = useRef<HTMLDivElement>(null);
  const scale = useScale();
  const colors = INK[useContext(ThemeContext).value].heads;
  const width = useWidth(box);
  const { temperature, topP } = store.state;
  const nucleus = topP.value < 1 ? topP.value : 0.9;
  const points = useMemo(
    () => againstTemperature(next.sorted, LINES, nucleus, HOTTEST),
    [next, nucleus],
  );
  const [left, right] = [MARGIN.left * scale, MARGIN.right * scale];
  const [top, bottom] = [MARGIN.top, (HEIGHT - MARGIN.bottom) * scale];
  const end = Math.max(left + 40, width - right);
  const x = linearScale([0, HOTTEST], [left, end]);
  const y = linearScale([0, 1], [bottom, top]);
  const size = logScale([1, next.sorted.base.length], [bottom, top]);
  const path = (value: (index: number) => number) =>
    `M${points.map((point, index) => `${x(point.temperature)},${value(index)}`).join("L")}`;
  const last = points[points.length - 1]!;
  const labels = apart(
    last.probs.map((p) => y(p)),
    13 * scale,
    bottom,
  );
  const here = Math.min(temperature.value, HOTTEST);
  return (
    <div ref={box} class="curve">
      {width > 0 && (
        <svg width={width} height={HEIGHT * scale} role="img" aria-label={words.curveLabel}>
          {[0, 0.5, 1].map((tick) => (
            <g key={tick}>
              <line x1={left} x2={end} y1={y(tick)} y2={y(tick)} class="hair" />
              <text x={left - 6} y={y(tick)} text-anchor="end" dominant-baseline="central">
                {tick * 100} %
              </text>
            </g>
          ))}
          {[0, 0.5, 1, 1.5, 2].map((tick) => (
            <text key={tick} x={x(tick)} y={bottom + 17 * scale} text-anchor="middle">
              {tick}
            </text>
          ))}
          <path class="nucleus" d={path((index) => size(points[index]!.nucleus))} />
          {last.probs.map((_, rank) => (
            <g key={rank} class="likely" style={{ "--line": rgb(colors[rank]!) }}>
              <path d={path((index) => y(points[index]!.probs[rank]!))} />
              <path
                class="leader"
                d={`M${end},${y(last.probs[rank]!)}L${end + LEADER},${labels[rank]}`}
              />
              <text x={end + LEADER + 4} y={labels[rank]} dominant-baseline="central">
                {plain(next.labels[rank] ?? "")}
              </text>
            </g>
          ))}
          <line class="now" x1={x(here)} x2={x(here)} y1={top} y2={bottom} />
        </svg>
      )}
      <p class="note">{fill(words.curveNote, { share: Math.round(nucleus * 1000) / 10 })}</p>
    </div>
  );
}

/** Moves labels apart that would overlap; their order stays. */
function apart(places: number[], distance: number, lowest: number): number[] {
  const moved = [...places];
  for (let i = 1; i < moved.length; i++) moved[i] = Math.max(moved[i]!, moved[i - 1]! + distance);
  for (let i = moved.length - 1; i >= 0; i--) {
    const limit = i === moved.length - 1 ? lowest : moved[i + 1]! - distance;
    moved[i] = Math.min(moved[i]!, limit);
  }
  return moved;
}
