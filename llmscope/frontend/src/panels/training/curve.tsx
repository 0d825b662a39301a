import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import { linePath } from "../../draw/paths";
import { SCORES, type ScoreName } from "../../protocol/shared";
import type { Tensor } from "../../protocol/arrays";
import type { TrainingAnswer } from "../../protocol/training";
import type { Store } from "../../store/store";
import { useScale } from "../../ui/em";
import { count } from "../../ui/format";
import { type Scale, clamp, linearScale, logScale, ticks } from "../../ui/scale";
import { StepsAxisBelow, stepsScale } from "../../ui/steps-axis";
import { useSize } from "../../ui/use-size";
import { overview } from "#words/overview";
import { training as words } from "#words/training";
import { fill } from "../../words/fill";
import { type Point, type Series, logTicks, loggedAt, seriesOf, spanOf, thinned } from "./log";
import { tickText, valueText } from "./names";
import { readingsAt } from "./readings";
import { StepSlider } from "./slider";

const ROOM = { left: 46, right: 44, top: 20, bottom: 24 }; // pixels around the plot
const HIGH = 150; // pixels of the plot
const THUMB = 8; // pixels by which the slider reaches beyond the first step and the last
const TOPS = [0.1, 0.25, 0.5, 1]; // where the axis of a score ends

interface CurveProps {
  store: Store;
  answer: TrainingAnswer;
  /** Below the slider. */
  children: ComponentChildren;
}

/** The loss over the steps, a score of the head in focus beside it, and the slider below. */
export function Curve({ store, answer, children }: CurveProps) {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const em = useScale();
  const isLog = useSignal(false);
  const score = useSignal<ScoreName | "">("induction");
  const hovered = useSignal<number | null>(null);
  const isDragged = useRef(false);
  const training = store.training!;
  const steps = training.steps.value;
  const axis = training.axis.value;
  const series = useMemo(() => seriesOf(answer), [answer]);
  const scored = useScores(store, score.value);
  const [left, right] = [
    ROOM.left * em,
    Math.max(ROOM.left * em + 1, size.width - ROOM.right * em),
  ];
  const [top, bottom] = [
    ROOM.top * em,
    em > 1 ? Math.max(60, size.height - ROOM.bottom * em) : ROOM.top + HIGH,
  ];
  const ends = useMemo(() => endsOf(answer, steps), [answer, steps]);
  const x = stepsScale(ends, axis, [left, right]);
  const span = spanOf(series, isLog.value);
  const y = (isLog.value ? logScale : linearScale)(span, [bottom, top]);
  const full =
    TOPS.find((one) => Math.max(0, ...scored.map(([, value]) => value || 0)) <= one) ?? 1;
  const right_y = linearScale([0, full], [bottom, top]);
  const nearest = (event: PointerEvent): number => {
    const at = event.clientX - box.current!.getBoundingClientRect().left;
    return steps.reduce((best, one) =>
      Math.abs(x(one) - at) < Math.abs(x(best) - at) ? one : best,
    );
  };
  const lines = useMemo(
    () => (
      <Lines
        series={series}
        scored={scored}
        x={x}
        y={y}
        score={right_y}
        current={training.run.value}
        em={em}
      />
    ),
    [series, scored, axis, isLog.value, size.width, size.height, ends, em, training.run.value],
  );
  return (
    <>
      <div
        ref={box}
        class="curve"
        role="img"
        aria-label={fill(words.curve, {
          reading: readingsAt(training.current.value!, training.step.value),
        })}
        style={em > 1 ? {} : { height: px(HIGH + ROOM.top + ROOM.bottom) }}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          isDragged.current = true;
          event.currentTarget.setPointerCapture(event.pointerId);
          training.turn(nearest(event));
        }}
        onPointerMove={(event) => {
          hovered.value = nearest(event);
          if (isDragged.current) training.turn(hovered.value);
        }}
        onPointerUp={() => (isDragged.current = false)}
        onPointerCancel={() => (isDragged.current = false)}
        onPointerLeave={() => (hovered.value = null)}
      >
        {size.width > 0 && (
          <svg width={size.width} height={bottom + ROOM.bottom * em}>
            <StepsAxisBelow steps={ends} axis={axis} scale={x} top={top} bottom={bottom} em={em} />
            <Axes span={span} isLog={isLog.value} y={y} left={left} right={right} em={em} />
            {scored.length > 0 && (
              <g class="score">
                {[0, full / 2, full].map((tick) => (
                  <text key={tick} x={right + 6 * em} y={right_y(tick) + 4 * em}>
                    {tickText(tick)}
                  </text>
                ))}
              </g>
            )}
            {lines}
            <Marks
              store={store}
              answer={answer}
              x={x}
              y={y}
              top={top}
              bottom={bottom}
              hovered={hovered}
              em={em}
            />
            {series.length === 0 && (
              <text x={(left + right) / 2} y={(top + bottom) / 2} style={{ textAnchor: "middle" }}>
                {words.noLoss}
              </text>
            )}
          </svg>
        )}
      </div>
      <div
        class="below"
        style={{ marginLeft: px(left - THUMB * em), marginRight: px((ROOM.right - THUMB) * em) }}
      >
        <StepSlider store={store} ends={ends} />
      </div>
      {children}
      <div class="legend flow extra">
        {[...new Set(series.map(({ what }) => what))].flatMap((what) =>
          answer.runs.map(({ name }, run) => (
            <span key={`${what}${run}`} class={`series run${run} ${what}`}>
              <i /> {nameOf(what, answer.runs.length > 1 ? name : null)}
            </span>
          )),
        )}
        <span class={`series score ${scored.length > 0 ? "" : "none"}`}>
          <i />{" "}
          <select
            aria-label={words.score}
            title={words.score}
            value={score.value}
            onChange={(event) => (score.value = event.currentTarget.value as ScoreName | "")}
          >
            <option value="">{words.noScore}</option>
            {SCORES.map((name) => (
              <option key={name} value={name} title={overview.scores[name].text}>
                {fill(words.scoreOf, {
                  head: `${store.state.layer.value}·${store.state.head.value}`,
                  score: overview.scores[name].title,
                })}
              </option>
            ))}
          </select>
        </span>
        <span class="right">
          <button
            type="button"
            aria-pressed={axis === "log"}
            title={words.stepsTitle}
            onClick={() => training.spread(axis === "log" ? "linear" : "log")}
          >
            {words.steps}
          </button>
          <button
            type="button"
            aria-pressed={isLog.value}
            title={words.logTitle}
            onClick={() => (isLog.value = !isLog.value)}
          >
            {words.log}
          </button>
        </span>
      </div>
    </>
  );
}

const nameOf = (what: Series["what"], run: string | null): string => {
  const name = what === "loss" ? words.loss : words.evalLoss;
  return run === null ? name : fill(words.ofRun, { name, run });
};

/** From the first step that is kept or logged, of all runs, to the last. */
function endsOf({ runs }: TrainingAnswer, steps: readonly number[]): [number, number] {
  const all = runs.flatMap(({ log, steps: kept }) => [
    ...(log.step ? [log.step.data[0], log.step.data.at(-1)] : []),
    kept.data[0],
    kept.data.at(-1),
  ]);
  const known = [...all, ...steps].filter((one) => one !== undefined);
  return [Math.min(...known), Math.max(...known)];
}

/** A score of the head in focus over the kept steps of the run, as far as it is known. */
function useScores(store: Store, score: ScoreName | ""): Point[] {
  const { layer, head } = store.state;
  const { run, probe, steps } = store.training!;
  const kind = store.attention.kind.value;
  const request = {
    type: "training_heads",
    run: run.value,
    probe: probe.value,
    kind,
  } as const;
  const isWanted = score !== "" && store.lacks(request) === null;
  const found = isWanted
    ? store.lasting.watch<{ steps: Tensor; scores: Tensor }>(request, steps.value.length).value
    : null;
  return useMemo(() => {
    if (!found || score === "") return [];
    const [, scores, layers, heads] = found.scores.shape as [number, number, number, number];
    if (layer.value >= layers || head.value >= heads) return [];
    const at = (SCORES.indexOf(score) * layers + layer.value) * heads + head.value;
    const points = Array.from(found.steps.data, (step, index): Point => {
      return [step, found.scores.data[index * scores * layers * heads + at]!];
    });
    return points.some(([, value]) => !Number.isNaN(value)) ? points : [];
  }, [found, score, layer.value, head.value]);
}

interface AxesProps {
  span: readonly [number, number];
  isLog: boolean;
  y: Scale;
  left: number;
  right: number;
  em: number;
}

/** Numbers of the loss, each with a line. */
function Axes({ span, isLog, y, left, right, em }: AxesProps) {
  const all = isLog ? logTicks(span) : ticks(span[0], span[1]);
  return (
    <g class="loss-axis">
      {all.map((tick) => (
        <g key={tick}>
          <path class="line" d={`M${left} ${y(tick)}H${right}`} />
          <text x={left - 6 * em} y={y(tick) + 4 * em} style={{ textAnchor: "end" }}>
            {tickText(tick)}
          </text>
        </g>
      ))}
    </g>
  );
}

interface LinesProps {
  series: readonly Series[];
  scored: readonly Point[];
  x: (step: number) => number;
  y: (value: number) => number;
  score: (value: number) => number;
  current: number;
  em: number;
}

/** All that doesn't move with the step. */
function Lines({ series, scored, x, y, score, current, em }: LinesProps) {
  const path = (points: readonly Point[], up: (value: number) => number) =>
    linePath(
      thinned(points, x).map(([step, value]) => {
        const place = up(value);
        return [x(step), Number.isFinite(place) ? place : NaN] as const;
      }),
    );
  // The run on screen is drawn over the other.
  const ordered = [...series].sort((a, b) => Number(a.run === current) - Number(b.run === current));
  return (
    <>
      <path class="score" d={path(scored, score)} stroke-width={1.5 * em} />
      {ordered.map(({ run, what, points }) => (
        <g key={`${run}${what}`} class={`series run${run} ${what}`}>
          <path d={path(points, y)} stroke-width={(run === current ? 2 : 1.5) * em} />
          {what === "eval_loss" &&
            points.map(([step, value]) => (
              <circle key={step} cx={x(step)} cy={y(value)} r={2.5 * em} />
            ))}
        </g>
      ))}
    </>
  );
}

const ORDER = ["hovered", "here", "held"];
const APART = 60; // pixels of two numbers

interface MarksProps {
  store: Store;
  answer: TrainingAnswer;
  x: (step: number) => number;
  y: (value: number) => number;
  top: number;
  bottom: number;
  hovered: Signal<number | null>;
  em: number;
}

/** Lines at the step on screen, the one that is held, and the one under the mouse. */
function Marks({ store, answer, x, y, top, bottom, hovered, em }: MarksProps) {
  const training = store.training!;
  const held = training.held.value;
  const marks = [
    ...(hovered.value === null ? [] : [["hovered", training.run.value, hovered.value] as const]),
    ...(held ? [["held", held.run, held.step] as const] : []),
    ["here", training.run.value, training.step.value] as const,
  ];
  /** Whether there is room for its number: first that under the mouse, then that of the step shown. */
  const isFree = (kind: string, step: number) =>
    marks.every(([other, , at]) => {
      const isBefore = ORDER.indexOf(other) < ORDER.indexOf(kind);
      return !isBefore || Math.abs(x(at) - x(step)) > APART * em;
    });
  return (
    <>
      {marks.map(([kind, run, step]) => {
        const { value = NaN } = loggedAt(answer.runs[run]!, "loss", step) ?? {};
        const up = y(value);
        return (
          <g key={kind} class={`mark ${kind}`}>
            <path d={`M${x(step)} ${top}V${bottom}`} stroke-width={1.5 * em} />
            {Number.isFinite(up) && <circle cx={x(step)} cy={clamp(up, top, bottom)} r={4 * em} />}
            {isFree(kind, step) && (
              <text class={kind} x={x(step)} y={top - 7 * em} style={{ textAnchor: "middle" }}>
                {kind === "hovered"
                  ? fill(words.pointed, { step: count(step), value: valueText(value) })
                  : count(step)}
              </text>
            )}
          </g>
        );
      })}
    </>
  );
}
