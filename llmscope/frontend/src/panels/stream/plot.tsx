import type { StepsAxis } from "../../store/steps-axis";
import { type Signal, useSignal } from "@preact/signals";
import { useContext, useMemo, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import { type Ink, legibleOn, mixed, rgb } from "../../draw/color-scale";
import { INK, ThemeContext } from "../../host/colors";
import type { Theme } from "../../host/theme";
import type { AcrossAnswer } from "../../protocol/over-steps";
import type { TrainingStore } from "../../store/training";
import { useScale } from "../../ui/em";
import { bits, count, percent, plural, rounded } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { DrawnLabel, Label } from "../../ui/label";
import { clamp } from "../../ui/scale";
import { StepMark } from "../../ui/step-mark";
import { StepsAxisBelow, type StepsScale, nearestTo, stepsScale } from "../../ui/steps-axis";
import { fitting, textWidth } from "../../ui/text-width";
import { useSize } from "../../ui/use-size";
import { stream as words } from "#words/stream";
import { fill, rich } from "../../words/fill";
import { type Stream, namesAtEnd, outline, placeOf, edgesOf, streamOf } from "./ribbons";

const ROOM = { left: 50, top: 22, bottom: 24, names: 128, few: 74 }; // pixels around the plot
const NARROW = 560; // pixels up to which names at the end take less room
const HIGH = { least: 200, share: 0.3, most: 320 }; // of the plot, by its width
const LETTER = 12;
const LINE = 15; // pixels from one name to the next
const CLOSE = 10; // pixels from step to step below which ribbons have no rims
const COLORED = 8; // tokens that have a colour of their own
const SOFT = { light: 0.42, dark: 0.58 }; // how much of its colour a ribbon has, so that names on it are read
const MIDDLE = { textAnchor: "middle", dominantBaseline: "central" };
const PALE = [0.13, 0.2]; // of the others, in turns

/** A place that is read: a step by its index, and a token; without one, the rest. */
interface At {
  step: number;
  token: number | null;
}

interface PlotProps {
  training: TrainingStore;
  answer: AcrossAnswer;
  axis: StepsAxis;
  isOld: boolean;
}

export function Plot({ training, answer, axis, isOld }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const em = useScale();
  const theme = useContext(ThemeContext).value;
  const read = useSignal<At | null>(null);
  const stream = useMemo(() => streamOf(answer), [answer]);
  const [left, top] = [ROOM.left * em, ROOM.top * em];
  const names = (size.width < NARROW * em ? ROOM.few : ROOM.names) * em;
  const right = Math.max(left + 1, size.width - names);
  // On a stage the height is given, elsewhere it follows.
  const below = ROOM.bottom * em;
  const height =
    em > 1
      ? Math.max(1, size.height - top - below)
      : clamp(size.width * HIGH.share, HIGH.least, HIGH.most);
  const { steps } = answer;
  const scale = useMemo(
    () => stepsScale(steps.data, axis, [left, right]),
    [answer, axis, left, right],
  );
  const drawn: Drawing = { stream, scale, axis, left, right, top, height, em, theme, names };
  const picture = useMemo(
    () =>
      size.width > 0 && <Picture {...drawn} family={getComputedStyle(box.current!).fontFamily} />,
    [stream, scale, axis, size.width, height, em, theme],
  );
  const last = steps.data.length - 1;
  /** Where keys begin: the likeliest token at the step in focus. */
  const here = (): At => {
    const step = nearestTo(steps.data, training.step.peek());
    return read.peek() ?? { step, token: stream.columns[step]!.order[0] ?? null };
  };
  const keys = onKeys("stream", {
    move({ down, right: forth }) {
      const from = here();
      const step = clamp(from.step + forth, 0, last);
      const order = [...stream.columns[step]!.order, null];
      const place = order.indexOf(from.token);
      read.value = {
        step,
        token: down && place >= 0 ? order[clamp(place + down, 0, order.length - 1)]! : from.token,
      };
      if (down && place < 0) read.value = { step, token: order[0]! };
    },
    first: () => void (read.value = { ...here(), step: 0 }),
    last: () => void (read.value = { ...here(), step: last }),
    take: () => training.turn(steps.data[here().step]!),
  });
  const at = (event: PointerEvent | MouseEvent): At | null => {
    if (isOld) return null;
    const token = (event.target as Element).closest<SVGElement>("[data-token]")?.dataset.token;
    if (token === undefined) return null;
    const step = scale.nearest(event.clientX - box.current!.getBoundingClientRect().left);
    return { step, token: token === "" ? null : Number(token) };
  };
  return (
    <>
      <div
        ref={box}
        class="stream-plot"
        role="application"
        tabIndex={0}
        aria-label={words.plot}
        style={em > 1 ? {} : { height: px(top + height + below) }}
        onKeyDown={keys}
        onPointerMove={(event) => (read.value = at(event))}
        onPointerLeave={() => (read.value = null)}
        onBlur={() => (read.value = null)}
        onClick={(event) => {
          const bounds = box.current!.getBoundingClientRect();
          if (!isOld) training.turn(steps.data[scale.nearest(event.clientX - bounds.left)]!);
        }}
      >
        {size.width > 0 && (
          <svg width={size.width} height={top + height + below}>
            {picture}
            <Over {...drawn} read={read} />
            <StepMark
              training={training}
              at={scale}
              within={[left, right]}
              top={top}
              height={height}
            />
          </svg>
        )}
      </div>
      <Reading training={training} stream={stream} read={read} isOld={isOld} />
    </>
  );
}

interface Drawing {
  stream: Stream;
  scale: StepsScale;
  axis: StepsAxis;
  left: number;
  right: number;
  top: number;
  height: number;
  em: number;
  theme: Theme;
  /** Pixels for names at the right end. */
  names: number;
}

/** What a ribbon is filled with: a colour for each of those that were ever likeliest. */
function inkOf(theme: Theme, token: number): Ink {
  const { ground, text, heads } = INK[theme];
  return token < COLORED
    ? mixed(ground, heads[token]!, SOFT[theme])
    : mixed(ground, text, PALE[token % PALE.length]!);
}

/** All that doesn't change while one reads, or while steps are walked. */
function Picture(props: Drawing & { family: string }) {
  const { stream, scale, axis, left, right, top, height, em, theme, names, family } = props;
  const { labels, steps } = stream.answer;
  const pixels = LETTER * em;
  const rest = edgesOf(stream, null, scale.at);
  const ribbons = labels.map((label, token) => ({
    label,
    token,
    points: edgesOf(stream, token, scale.at),
  }));
  const atEnd = namesAtEnd(stream, height, LINE * em);
  const named = new Set(atEnd.map(({ token }) => token));
  const end = (right - left) * 0.75 + left;
  /** A name in its ribbon, where there is room; where it has one at the end, not near that. */
  const inside = (label: string, points: typeof rest, isNamed: boolean) => {
    const wide = textWidth(label, pixels, family) * 1.1 + 8 * em;
    const place = placeOf(points, [wide, LINE * em], height, isNamed ? end : right);
    return place && { x: place.x, y: top + place.y * height };
  };
  const lastStep = stream.columns.length - 1;
  const restPlace = inside(words.restOf, rest, false);
  return (
    <g class={stream.columns.length * CLOSE * em > right - left ? "dense" : ""}>
      <rect class="rest" x={left} y={top} width={right - left} height={height} />
      <path class="rest" data-token="" d={outline(rest, top, height)} />
      {ribbons.map(({ token, points }) => (
        <path
          key={token}
          class="ribbon"
          data-token={token}
          d={outline(points, top, height)}
          style={{ fill: rgb(inkOf(theme, token)) }}
        />
      ))}
      {[0, 0.5, 1].map((share) => (
        <text
          key={share}
          x={left - 8 * em}
          y={top + share * height}
          style={{ textAnchor: "end", dominantBaseline: "central" }}
        >
          {`${100 * share} %`}
        </text>
      ))}
      <StepsAxisBelow
        steps={steps.data}
        axis={axis}
        scale={scale}
        top={top + height}
        bottom={top + height}
        em={em}
      />
      {restPlace && (
        <text {...restPlace} class="name pale" style={MIDDLE}>
          {words.restOf}
        </text>
      )}
      {ribbons.map(({ label, token, points }) => {
        const place = inside(label, points, named.has(token));
        return (
          place && (
            <text
              key={token}
              {...place}
              class="name"
              style={{ ...MIDDLE, fill: rgb(legibleOn(inkOf(theme, token))) }}
            >
              <DrawnLabel text={label} />
            </text>
          )
        );
      })}
      {atEnd.map(({ token, y }) => {
        const share = rounded(stream.prob(lastStep, token));
        const isWide = names > ROOM.few * em;
        const room = names - 10 * em - (isWide ? textWidth(`  ${share}`, pixels, family) : 0);
        return (
          <text
            key={token}
            class="name end"
            data-token={token}
            x={right + 9 * em}
            y={top + y}
            style={{ dominantBaseline: "central" }}
          >
            <DrawnLabel text={fitting(labels[token]!, room, pixels, family)} />
            {isWide && <tspan class="share">{`\u00a0 ${share}`}</tspan>}
          </text>
        );
      })}
    </g>
  );
}

/** The ribbon and the step that are read. */
function Over({ stream, scale, top, height, read }: Drawing & { read: Signal<At | null> }) {
  const at = read.value;
  if (!at || at.step >= scale.at.length) return null;
  const { above, rest } = stream.columns[at.step]!;
  const from = at.token === null ? 1 - rest : above[at.token]!;
  const to = at.token === null ? 1 : from + stream.prob(at.step, at.token);
  const x = scale.at[at.step]!;
  return (
    <g class="over">
      <path class="at" d={`M${x} ${top}v${height}`} />
      <path class="outline" d={outline(edgesOf(stream, at.token, scale.at), top, height)} />
      {!Number.isNaN(from) && (
        <path class="here" d={`M${x} ${top + from * height}V${top + to * height}`} />
      )}
    </g>
  );
}

interface ReadingProps {
  training: TrainingStore;
  stream: Stream;
  read: Signal<At | null>;
  isOld: boolean;
}

/** What is read: a token's probability at a step; else the likeliest one at the step in focus. */
function Reading({ training, stream, read, isOld }: ReadingProps) {
  const { columns, answer } = stream;
  const focus = nearestTo(answer.steps.data, training.step.value);
  const { step, token } = read.value ?? { step: focus, token: columns[focus]!.order[0] ?? null };
  const column = columns[step];
  if (isOld || !column) return <p class="stream-reading lines figures">{"\u00a0"}</p>;
  const number = count(column.step);
  const name = token === null ? null : <Label text={answer.labels[token]!} />;
  const rank = token === null ? -1 : column.order.indexOf(token);
  return (
    <p class="stream-reading lines figures" role="status">
      {token === null ? (
        <b>{fill(words.restAt, { share: percent(column.rest), step: number })}</b>
      ) : rank < 0 ? (
        rich(words.beyond, { token: <b>{name}</b>, step: number })
      ) : (
        <>
          <b>
            {rich(words.at, {
              token: name,
              share: percent(stream.prob(step, token)),
              step: number,
            })}
          </b>
          {" · "}
          {plural(rank + 1, words.rank)}
        </>
      )}
      {!Number.isNaN(column.entropy) && (
        <span class="muted"> · {fill(words.entropy, { bits: bits(column.entropy) })}</span>
      )}
    </p>
  );
}
