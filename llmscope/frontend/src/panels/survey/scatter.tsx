import { useSignal } from "@preact/signals";
import { useContext, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import { rgb } from "../../draw/color-scale";
import { INK, ThemeContext } from "../../host/colors";
import { MOST_HEADS, SURVEY_SCORES, type SurveyScore } from "../../protocol/shared";
import type { Store } from "../../store/store";
import { useScale } from "../../ui/em";
import { plural } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { clamp } from "../../ui/scale";
import { useSize } from "../../ui/use-size";
import { survey as words } from "#words/survey";
import { fill } from "../../words/fill";
import { type Statistic, type SurveyAnswer, headOf, indexOf, statisticOf } from "./answer";
import { SCORE_WORDS, scoreText } from "./names";
import {
  type Frame,
  type Point,
  endOf,
  inFrame,
  nearest,
  nextTo,
  pointsOf,
  ticksOf,
} from "./points";

const ROOM = { left: 46, right: 14, top: 24, bottom: 34 }; // pixels around the plot
const HIGH = { least: 220, share: 0.62, most: 400 }; // of the plot, by its width
const NEAR = 16; // pixels from a point that still mean it
const DRAGGED = 4; // pixels from which on a press is no click
const STEP = 0.05; // of an axis, that a key moves the corner of a frame
const PALEST = 0.35; // the first layer

/** Which scores are on the axes. */
export function Axes({ store }: { store: Store }) {
  return (
    <>
      {(["x", "y"] as const).map((axis) => (
        <label key={axis} class="axis">
          <span class="muted">{words[axis]}</span>{" "}
          <select
            value={store.state[axis].value}
            title={SCORE_WORDS[store.state[axis].value].text}
            onChange={(event) =>
              (store.state[axis].value = event.currentTarget.value as SurveyScore)
            }
          >
            {SURVEY_SCORES.map((score) => (
              <option key={score} value={score} title={SCORE_WORDS[score].text}>
                {SCORE_WORDS[score].title}
              </option>
            ))}
          </select>
        </label>
      ))}
    </>
  );
}

interface ScatterProps {
  store: Store;
  answer: SurveyAnswer;
}

/** Every head at its two scores, the later its layer the darker. */
export function Scatter({ store, answer }: ScatterProps) {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const scale = useScale();
  const theme = useContext(ThemeContext).value;
  const hovered = useSignal<number | null>(null);
  const frame = useSignal<Frame | null>(null);
  const said = useSignal("");
  const pressed = useRef<{ x: number; y: number; dragged: boolean } | null>(null);
  const { state, attention } = store;
  const [x, y] = [state.x.value, state.y.value];
  const points = pointsOf(answer, x, y);
  const ends = { x: endOf(points.map((one) => one.x)), y: endOf(points.map((one) => one.y)) };
  const room = Object.fromEntries(
    Object.entries(ROOM).map(([side, pixels]) => [side, pixels * scale]),
  ) as typeof ROOM;
  const width = Math.max(1, size.width - room.left - room.right);
  // On a stage the height is given, elsewhere it follows.
  const height =
    scale > 1
      ? Math.max(1, size.height - room.top - room.bottom)
      : clamp(width * HIGH.share, HIGH.least, HIGH.most);
  const long = { x: width / ends.x, y: height / ends.y };
  const left = (value: number) => room.left + value * long.x;
  const top = (value: number) => room.top + height - value * long.y;
  const focus = indexOf(answer, { layer: state.layer.value, head: state.head.value });
  const layers = Math.max(1, ...points.map(({ index }) => headOf(answer, index).layer));
  const here = points.find(({ index }) => index === focus);
  const shown = hovered.value ?? focus;

  const at = (event: PointerEvent) => {
    const bounds = box.current!.getBoundingClientRect();
    return {
      x: (event.clientX - bounds.left - room.left) / long.x,
      y: (room.top + height - (event.clientY - bounds.top)) / long.y,
    };
  };
  const choose = (within: Frame) => {
    const found = inFrame(points, within);
    const chosen = found.slice(0, MOST_HEADS).map(({ index }) => headOf(answer, index));
    attention.choose(chosen.map(({ layer, head }) => [layer, head]));
    said.value =
      found.length > MOST_HEADS
        ? fill(words.tooMany, { count: found.length, most: MOST_HEADS })
        : plural(found.length, words.framed);
  };
  const pick = (point: Point, toggles: boolean) => {
    if (toggles) attention.toggle(headOf(answer, point.index));
    else attention.keep(headOf(answer, point.index));
  };
  const keys = onKeys("survey", {
    move({ down, right }) {
      const from = here ?? { x: 0, y: 0 };
      const next = nextTo(points, from, [right, -down], long, focus);
      frame.value = hovered.value = null;
      if (next) pick(next, false);
    },
    frame({ down, right }) {
      const from = here ?? { x: 0, y: 0 };
      const old = frame.peek() ?? { x: [from.x, from.x], y: [from.y, from.y] };
      frame.value = {
        x: [old.x[0], clamp(old.x[1] + right * STEP * ends.x, 0, ends.x)],
        y: [old.y[0], clamp(old.y[1] - down * STEP * ends.y, 0, ends.y)],
      };
      choose(frame.value);
    },
    pin: () => here && pick(here, true),
  });
  return (
    <div class="scatter">
      <div
        ref={box}
        class="plot"
        role="application"
        tabIndex={0}
        aria-label={fill(words.scatter, {
          x: SCORE_WORDS[x].title,
          y: SCORE_WORDS[y].title,
          layer: state.layer.value,
          head: state.head.value,
        })}
        style={scale > 1 ? {} : { height: px(height + room.top + room.bottom) }}
        onKeyDown={keys}
        onBlur={() => (frame.value = null)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          pressed.current = { ...at(event), dragged: false };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          const now = at(event);
          const from = pressed.current;
          if (!from) {
            hovered.value = nearest(points, now, long, NEAR * scale)?.index ?? null;
            return;
          }
          const far = Math.hypot((now.x - from.x) * long.x, (now.y - from.y) * long.y);
          from.dragged ||= far > DRAGGED;
          if (from.dragged) frame.value = { x: [from.x, now.x], y: [from.y, now.y] };
        }}
        onPointerUp={(event) => {
          const from = pressed.current;
          pressed.current = null;
          if (from?.dragged && frame.peek()) choose(frame.peek()!);
          else {
            const found = nearest(points, at(event), long, NEAR * scale);
            const toggles = event.shiftKey || event.ctrlKey || event.metaKey;
            if (from && found) pick(found, toggles);
          }
          frame.value = null;
        }}
        onPointerCancel={() => (pressed.current = frame.value = null)}
        onPointerLeave={() => (hovered.value = null)}
      >
        {size.width > 0 && (
          <svg width={size.width} height={height + room.top + room.bottom}>
            {ticksOf(ends.x).map((tick) => (
              <g key={`x${tick}`}>
                <path class="line" d={`M${left(tick)} ${room.top}v${height}`} />
                <text
                  x={left(tick)}
                  y={room.top + height + 16 * scale}
                  text-anchor={tick >= ends.x * 0.99 ? "end" : "middle"}
                  style={{ textAnchor: tick >= ends.x * 0.99 ? "end" : "middle" }}
                >
                  {tickText(tick)}
                </text>
              </g>
            ))}
            {ticksOf(ends.y).map((tick) => (
              <g key={`y${tick}`}>
                <path class="line" d={`M${room.left} ${top(tick)}h${width}`} />
                <text
                  x={room.left - 6 * scale}
                  y={top(tick) + 4 * scale}
                  style={{ textAnchor: "end" }}
                >
                  {tickText(tick)}
                </text>
              </g>
            ))}
            <text
              class="axis-name"
              x={room.left + width}
              y={room.top + height + 31 * scale}
              style={{ textAnchor: "end" }}
            >
              {`${SCORE_WORDS[x].title} →`}
            </text>
            <text class="axis-name" x={room.left} y={room.top - 8 * scale}>
              {fill(words.upwards, { score: SCORE_WORDS[y].title })}
            </text>
            {points.map((one) => (
              <circle
                key={one.index}
                class="head"
                cx={left(one.x)}
                cy={top(one.y)}
                r={3.6 * scale}
                fill-opacity={PALEST + (1 - PALEST) * (headOf(answer, one.index).layer / layers)}
              />
            ))}
            {points
              .filter(({ index }) => index === shown || index === focus)
              .map((one) => (
                <Cross
                  key={one.index}
                  at={[left(one.x), top(one.y)]}
                  x={statisticOf(answer, x, one.index).std * long.x}
                  y={statisticOf(answer, y, one.index).std * long.y}
                  within={[room.left, room.top, room.left + width, room.top + height]}
                />
              ))}
            {state.heads.value.map(([layer, head], index) => {
              const one = points.find((point) => point.index === indexOf(answer, { layer, head }));
              return (
                one && (
                  <circle
                    key={`${layer}.${head}`}
                    class="ring"
                    cx={left(one.x)}
                    cy={top(one.y)}
                    r={6 * scale}
                    stroke-width={2 * scale}
                    style={{ stroke: rgb(INK[theme].heads[index]!) }}
                  />
                )
              );
            })}
            {here && (
              <circle
                class="ring focus"
                cx={left(here.x)}
                cy={top(here.y)}
                r={(state.heads.value.length > 0 ? 8.5 : 6.5) * scale}
                stroke-width={2 * scale}
              />
            )}
            {frame.value && (
              <rect
                class="brush"
                x={left(Math.min(...frame.value.x))}
                y={top(Math.max(...frame.value.y))}
                width={Math.abs(frame.value.x[1] - frame.value.x[0]) * long.x}
                height={Math.abs(frame.value.y[1] - frame.value.y[0]) * long.y}
              />
            )}
          </svg>
        )}
      </div>
      <p class="survey-reading lines figures" role="status">
        <Reading answer={answer} index={shown} x={x} y={y} />
      </p>
      <p class="note flow legend extra">
        <span>
          {words.firstLayer} <i class="layers" /> {layers}
        </span>
        <span role="status">
          {said.value ||
            (points.length < answer.heads.shape[0]! ? (
              plural(answer.heads.shape[0]! - points.length, words.missing)
            ) : (
              <span data-tool>{words.frame}</span>
            ))}
        </span>
      </p>
    </div>
  );
}

const tickText = (tick: number): string => String(Number(tick.toPrecision(3)));

interface CrossProps {
  at: readonly [number, number];
  /** Half lengths in pixels; NaN where they aren't known. */
  x: number;
  y: number;
  within: readonly [left: number, top: number, right: number, bottom: number];
}

/** How much a head's scores vary from text to text. */
function Cross({ at: [x, y], x: wide, y: high, within: [left, top, right, bottom] }: CrossProps) {
  if (Number.isNaN(wide) || Number.isNaN(high)) return null;
  const [from, to] = [Math.max(left, x - wide), Math.min(right, x + wide)];
  const [above, below] = [Math.max(top, y - high), Math.min(bottom, y + high)];
  return <path class="spread-of" d={`M${from} ${y}H${to}M${x} ${above}V${below}`} />;
}

interface ReadingProps {
  answer: SurveyAnswer;
  index: number;
  x: SurveyScore;
  y: SurveyScore;
}

/** What a head scores, and how sure that is. */
function Reading({ answer, index, x, y }: ReadingProps) {
  if (index < 0) return <>{"\u00a0"}</>;
  const { layer, head } = headOf(answer, index);
  const [across, up] = [statisticOf(answer, x, index), statisticOf(answer, y, index)];
  const said = (score: SurveyScore, { mean, error, texts }: Statistic) =>
    Number.isNaN(mean)
      ? fill(words.unknown, { score: SCORE_WORDS[score].title })
      : fill(words.value, {
          score: SCORE_WORDS[score].title,
          mean: scoreText(mean),
          error: scoreText(error),
          texts: plural(texts, words.texts),
        });
  const isSure = !Number.isNaN(across.std) && !Number.isNaN(up.std);
  return (
    <>
      <b>
        {layer}·{head}
      </b>{" "}
      {fill(words.both, { x: said(x, across), y: said(y, up) })}{" "}
      <span class="muted extra">
        {isSure
          ? fill(words.spread, { x: scoreText(across.std), y: scoreText(up.std) })
          : words.spreadUnknown}
      </span>
    </>
  );
}
