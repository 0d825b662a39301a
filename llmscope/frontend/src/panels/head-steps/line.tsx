import type { Signal } from "@preact/signals";
import { useContext, useMemo, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import { rgb } from "../../draw/color-scale";
import { linePath } from "../../draw/paths";
import { ThemeContext } from "../../host/colors";
import { SCORES, type ScoreName } from "../../protocol/shared";
import type { Head } from "../../store/attention/types";
import type { TrainingStore } from "../../store/training";
import { useScale } from "../../ui/em";
import { type HeadScores, habitInk } from "../../ui/habits";
import { StepMark } from "../../ui/step-mark";
import { StepsAxisBelow, stepsScale } from "../../ui/steps-axis";
import { useWidth } from "../../ui/use-width";

const ROOM = { left: 30, right: 12, top: 22, bottom: 24 }; // pixels around the plot
const HIGH = 92; // of the plot
const FEW = 40; // steps up to which each has a dot

interface LineProps {
  training: TrainingStore;
  scores: HeadScores | null;
  at: Head;
  /** What the head ended with. */
  habit: ScoreName | null;
  read: Signal<number | null>;
}

/** The scores of a head over all kept steps: the one that it ended with in its colour. */
export function Line({ training, scores, at: where, habit, read }: LineProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const em = useScale();
  const theme = useContext(ThemeContext).value;
  const [left, right] = [ROOM.left * em, Math.max(ROOM.left * em + 1, width - ROOM.right * em)];
  const [top, height] = [ROOM.top * em, HIGH * em];
  const steps = scores?.steps ?? [];
  const axis = training.axis.value;
  const scale = useMemo(() => stepsScale(steps, axis, [left, right]), [scores, axis, left, right]);
  const y = (score: number) => top + height * (1 - score);
  const picture = useMemo(() => {
    const draw = (values: readonly number[]) =>
      linePath(values.map((score, index) => [scale.at[index]!, y(score)]));
    const of = (score: ScoreName) =>
      Array.from(steps, (_, index) => scores!.at(index, score, where));
    const main = scores && habit ? of(habit) : [];
    const ink = habit ? rgb(habitInk(theme, habit)) : "";
    return (
      <>
        {[0, 0.5, 1].map((share) => (
          <g key={share} class="level">
            <path d={`M${left} ${y(share)}H${right}`} />
            <text
              x={left - 6 * em}
              y={y(share)}
              style={{ textAnchor: "end", dominantBaseline: "central" }}
            >
              {share}
            </text>
          </g>
        ))}
        <StepsAxisBelow
          steps={steps}
          axis={axis}
          scale={scale}
          top={top + height}
          bottom={top + height}
          em={em}
        />
        {scores &&
          SCORES.filter((score) => score !== habit).map((score) => (
            <path key={score} class="other" d={draw(of(score))} />
          ))}
        <path class="score" d={draw(main)} style={{ stroke: ink }} />
        {main.length <= FEW &&
          main.map((score, index) =>
            Number.isNaN(score) ? null : (
              <circle
                key={index}
                cx={scale.at[index]}
                cy={y(score)}
                r={2.6 * em}
                style={{ fill: ink }}
              />
            ),
          )}
      </>
    );
  }, [scores, where.layer, where.head, habit, scale, width, em, theme]);
  const at = (event: MouseEvent): number | null => {
    const x = event.clientX - box.current!.getBoundingClientRect().left;
    return steps[scale.nearest(x)] ?? null;
  };
  return (
    <div
      ref={box}
      class="head-line"
      style={{ height: px(top + height + ROOM.bottom * em) }}
      onPointerMove={(event) => (read.value = at(event))}
      onPointerLeave={() => (read.value = null)}
      onClick={(event) => {
        const step = at(event);
        if (step !== null) training.turn(step);
      }}
    >
      {width > 0 && (
        <svg width={width} height={top + height + ROOM.bottom * em}>
          {picture}
          <ReadLine scale={scale} top={top} height={height} read={read} />
          {scores && (
            <StepMark
              training={training}
              at={scale}
              within={[left, right]}
              top={top}
              height={height}
            />
          )}
        </svg>
      )}
    </div>
  );
}

/** A line at the step under the mouse. */
function ReadLine(props: {
  scale: (step: number) => number;
  top: number;
  height: number;
  read: Signal<number | null>;
}) {
  const step = props.read.value;
  if (step === null) return null;
  return <path class="read" d={`M${props.scale(step)} ${props.top}v${props.height}`} />;
}
