import { useSignal } from "@preact/signals";
import { useContext, useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import { INK, ThemeContext } from "../../host/colors";
import type { Token } from "../../protocol/answers";
import { headMatrix, matrixText, sameMatrix } from "../../protocol/keys";
import { type Direction, TILE } from "../../protocol/shared";
import type { Line, Matrix } from "../../store/attention/types";
import type { Store } from "../../store/store";
import { useScale } from "../../ui/em";
import { HeadMark } from "../../ui/head-mark";
import { hundredths, weight } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { Label, plain } from "../../ui/label";
import { onPaper } from "../../ui/paper";
import { clamp } from "../../ui/scale";
import { strongest } from "../../ui/strongest";
import type { Size } from "../../ui/use-size";
import { attention } from "#words/attention";
import { rich } from "../../words/fill";
import { type End, type Layout, type Strand, isWhole, paintArcs } from "./paint-arcs";
import { Beyond } from "./beyond";
import { partOf, strandOf } from "./segments";

const words = attention.arcs;
const LEAP = 10; // tokens
const ROW = { least: 21, most: 34 }; // pixels a token

/** Pixels of a canvas. */
const MOST_ON_PAPER = 8000;

interface ArcsProps {
  store: Store;
  matrix: Matrix;
  room: Size;
}

/** Two columns of tokens: queries on the left, keys on the right, weights as lines between. */
export function Arcs({ store, matrix, room }: ArcsProps) {
  const page = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const top = useSignal(0);
  const hovered = useSignal<(End & { matrix: Matrix }) | null>(null);
  const { attention, state } = store;
  const scale = useScale();
  const { queries, keys } = matrix.sides;
  const longest = Math.max(queries.length, keys.length);
  const { width } = room;
  const row = clamp(room.height / longest, ROW.least * scale, ROW.most * scale);
  const height = Math.min(longest * row, onPaper.value ? MOST_ON_PAPER : room.height);
  const isCurrent = matrix.trace === store.trace.value && matrix.kind === attention.kind.value;

  const under = hovered.value?.matrix.trace === matrix.trace ? hovered.value : null;
  const pinned: End = { direction: state.direction.value, index: attention.pinned.value };
  // Of a long text only the lines of one token are read; of a short one all, those of the last token
  // stronger, until one is pinned.
  const isPinned = state.position.value >= 0 || pinned.direction === "to" || longest > TILE;
  const end = under ?? (isPinned ? pinned : null);
  const strands = useStrands(store, matrix, end).map((strand) =>
    strandOf(strand, partOf(matrix, state.segments.value)),
  );

  const label = Math.min(150 * scale, width * 0.33);
  const colorScale = state.colorScale.value;
  const threshold = state.threshold.value;
  const layout: Layout = {
    width: Math.min(width, 560 * scale),
    height,
    row,
    label,
    top: onPaper.value ? 0 : top.value,
  };
  useLayoutEffect(() => {
    paintArcs(canvas.current!, {
      strands,
      end,
      focus: pinned.index,
      layout,
      sides: matrix.sides,
      scale: colorScale,
      threshold,
    });
  });
  useEffect(() => {
    // The pinned token comes in sight, but when it is where the hand is.
    const box = page.current!;
    const y = pinned.index * row;
    if (isPinned && !under && (y < box.scrollTop || y + row > box.scrollTop + height))
      box.scrollTop = y - height / 2;
  }, [pinned.index, pinned.direction, isPinned, matrix.trace]);

  const over = (direction: Direction, index: number) =>
    (hovered.value = { direction, index, matrix });
  const pin = (found: End) => {
    const again = isPinned && pinned.direction === found.direction && pinned.index === found.index;
    if (again && state.position.value >= 0) {
      state.position.value = -1;
      state.direction.value = "from";
    } else attention.pin(found.direction, found.index);
  };
  const { length } = pinned.direction === "from" ? queries : keys;
  const pinAt = (index: number, direction = pinned.direction) => {
    hovered.value = null;
    attention.pin(direction, index);
  };
  const goTo = (index: number) => pinAt(clamp(index, 0, length - 1));
  const keysDown = onKeys("arcs", {
    move: ({ down, right }) =>
      right ? pinAt(pinned.index, right < 0 ? "from" : "to") : goTo(pinned.index + down),
    leap: ({ down }) => goTo(pinned.index + down * LEAP),
    first: () => goTo(0),
    last: () => goTo(length - 1),
  });
  const column = (direction: Direction, tokens: Token[]) => (
    <Column
      direction={direction}
      tokens={tokens}
      layout={layout}
      end={end ?? pinned}
      pinned={isPinned ? pinned : null}
      strands={strands}
      onOver={over}
      onPin={(index) => pin({ direction, index })}
    />
  );
  return (
    <>
      <div
        ref={page}
        class="arcs"
        role="application"
        tabIndex={0}
        aria-label={words.label}
        style={{ width: px(layout.width), height: px(height) }}
        onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
        onKeyDown={keysDown}
        onPointerLeave={() => (hovered.value = null)}
      >
        <canvas ref={canvas} />
        <div
          class="columns-of-tokens"
          style={{ height: px(longest * row), marginTop: px(-height) }}
        >
          {column("from", queries)}
          {column("to", keys)}
          <Beyond page={page} matrix={matrix} end={end} strands={strands} layout={layout} />
        </div>
      </div>
      <ArcsReadout matrix={matrix} end={isCurrent ? end : null} strands={strands} under={under} />
    </>
  );
}

/** The heads that are drawn, each with what is known of its weights. */
function useStrands(store: Store, matrix: Matrix, end: End | null): Strand[] {
  const theme = useContext(ThemeContext).value;
  const lines = useSignal<ReadonlyMap<string, Line>>(new Map());
  const { attention, state } = store;
  const inks = INK[theme];
  const alone = (layer: number, head: number) => headMatrix(layer, head, state.hideSink.value);
  const preview = attention.preview.value;
  const heads = preview ? [] : state.heads.value;
  const wanted =
    heads.length === 0
      ? [
          {
            name: alone(matrix.layer, matrix.head),
            label: `${matrix.layer}·${matrix.head}`,
            ink: inks.attention,
          },
        ]
      : heads
          .map(([layer, head], index) => ({
            name: alone(layer, head),
            label: `${layer}·${head}`,
            ink: inks.heads[index]!,
            place: index,
            muted: attention.muted.value.has(`${layer}.${head}`),
          }))
          .filter(({ muted }) => !muted);
  const strands = wanted.map(({ name, label, ...look }) => {
    const hasName = (one: Matrix) => sameMatrix(one.name, name);
    const whole = [matrix, ...attention.overlays.value].find(hasName);
    const line = lines.value.get(label);
    const fits =
      line &&
      end &&
      line.trace === matrix.trace &&
      sameMatrix(line.name, name) &&
      line.direction === end.direction &&
      line.index === end.index;
    return {
      name,
      label,
      ...look,
      matrix: whole && isWhole(whole) && whole.trace === matrix.trace ? whole : null,
      line: fits ? line : null,
    };
  });
  const missing = strands.filter((strand) => !strand.line);
  useEffect(() => {
    if (!end || matrix.trace !== store.trace.value) return;
    let over = false;
    for (const { name, label } of missing)
      attention
        .lineOf(name, end.direction, end.index)
        .then((line) => {
          if (!over) lines.value = new Map(lines.peek()).set(label, line);
        })
        .catch(() => {});
    return () => void (over = true);
  }, [
    end?.direction,
    end?.index,
    missing.map(({ name }) => matrixText(name)).join(),
    matrix.trace,
  ]);
  return strands;
}

interface ColumnProps {
  direction: Direction;
  tokens: Token[];
  layout: Layout;
  end: End | null;
  pinned: End | null;
  strands: Strand[];
  onOver: (direction: Direction, index: number) => void;
  onPin: (index: number) => void;
}

/** The tokens of one side that are in sight; the pinned one stays at the edge when it isn't. */
function Column(props: ColumnProps) {
  const { direction, tokens, layout, end, pinned, strands, onOver, onPin } = props;
  const { row, top, height, label } = layout;
  const first = Math.max(0, Math.floor(top / row) - 2);
  const last = Math.min(tokens.length, Math.ceil((top + height) / row) + 2);
  const own = end?.direction === direction ? end.index : -1;
  const stuck = own >= 0 && (own * row < top || (own + 1) * row > top + height) ? own : -1;
  const places = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  const weights =
    end && end.direction !== direction && strands.length === 1 ? strands[0]!.line?.weights : null;
  const token = (index: number, y: number, kind: string) => (
    <button
      key={`${kind}${index}`}
      type="button"
      tabIndex={-1}
      class={`arc-token ${direction} ${kind} ${index === own ? "here" : ""} ${
        pinned?.direction === direction && pinned.index === index ? "pinned" : ""
      }`}
      style={{ top: px(y), height: px(row), width: px(label) }}
      data-index={index}
      onPointerEnter={() => onOver(direction, index)}
      onClick={() => onPin(index)}
    >
      <span class="name ellipsis">
        <Label text={plain(tokens[index]!.label)} />
      </span>
      {weights && (weights[index] ?? 0) >= 0.005 && (
        <span class="share figures">{hundredths(weights[index]!)}</span>
      )}
    </button>
  );
  return (
    <>
      {places.filter((index) => index !== stuck).map((index) => token(index, index * row, ""))}
      {stuck >= 0 && token(stuck, stuck * row < top ? top : top + height - row, "stuck")}
    </>
  );
}

interface ArcsReadoutProps {
  matrix: Matrix;
  end: End | null;
  strands: Strand[];
  under: End | null;
}

/** The strongest tie of the token that is looked at, for each head. */
function ArcsReadout({ matrix, end, strands, under }: ArcsReadoutProps) {
  const { queries, keys } = matrix.sides;
  if (!end)
    return (
      <p class="readout muted">
        <span>
          {words.empty} <span data-tool>{words.point}</span>
        </span>
      </p>
    );
  const own = plain((end.direction === "from" ? queries : keys)[end.index]?.label ?? "");
  const others = end.direction === "from" ? keys : queries;
  return (
    // Of many heads it scrolls.
    <p class="readout figures" role="status" tabIndex={strands.length > 1 ? 0 : undefined}>
      <b>{rich(words.most[end.direction], { token: <Label text={own} /> })}</b>
      {strands.map(({ label, place, line }) => {
        if (!line) return <span key={label}>…</span>;
        const best = strongest(line.weights);
        return (
          <span key={label}>
            {place !== undefined && <HeadMark index={place} />} {strands.length > 1 && `${label} `}
            <Label
              text={line.weights[best] ? plain(others[best]?.label ?? "") : words.nothing}
            />{" "}
            {line.weights[best] !== 0 && <span class="weight">{weight(line.weights[best]!)}</span>}
          </span>
        );
      })}
      {under === null && <span class="muted">{words.pinned}</span>}
    </p>
  );
}
