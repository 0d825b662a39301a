import { type Signal, useSignal } from "@preact/signals";
import { useContext, useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { prepare, px } from "../../draw/canvas";
import { heatmaps, stamp } from "../../draw/heatmap";
import { INK, ThemeContext } from "../../host/colors";
import type { Theme } from "../../host/theme";
import type { LayerRow } from "../../protocol/answers";
import { SCORES, type ScoreName } from "../../protocol/shared";
import type { Head, Thumbnail } from "../../store/attention/types";
import { distanceOf } from "../../store/distances";
import type { Store } from "../../store/store";
import { useScale } from "../../ui/em";
import { count, plural } from "../../ui/format";
import { ChosenFrames, Frame } from "../../ui/head-frame";
import { type Grid, gridOf, headAt, layerAt, neighbour } from "../../ui/head-grid";
import { Numbers } from "../../ui/head-numbers";
import { Hint } from "../../ui/hint";
import { onKeys } from "../../ui/keys";
import { useSize } from "../../ui/use-size";
import { common } from "#words/common";
import { effects as effectWords } from "#words/effects";
import { overview as words } from "#words/overview";
import { fill } from "../../words/fill";
import type { PanelProps } from "../props";
import {
  DistanceOf,
  explainedDistances,
  paintDistances,
  showsDistances,
  wordsOf,
} from "./distances";
import { EffectsOf, explainedBy, lackingMlps, paintEffects } from "./effects";
import { StripFrame } from "./strip-frame";
import { Switches, mlpOf } from "./switches";

const EFFECT = "effect"; // beside the habits that heads are marked by
const SLOW = 256; // tokens, from which on it says how far it is
const DRAWN = 1024; // query tokens that maps are drawn from, at most

/** Every head of every layer at a glance. */
export function Overview({ store }: PanelProps) {
  const box = useRef<HTMLDivElement>(null);
  const mark = useSignal<ScoreName | "">("");
  const sorted = useSignal(false);
  const layer = useSignal<number | null>(null); // whose number is under the mouse
  const { width, height } = useSize(box);
  const { attention } = store;
  const trace = store.trace.value;
  const layers = useLayers(store);
  const scale = useScale();
  const isApart = showsDistances(store);
  const isMarked = isApart || store.effects.isOn || mark.value !== "";
  const order = sorted.value && isMarked ? ranked(store, mark.value) : null;
  // Measured with the width, and not each time that what is shown changes.
  const isColumn = useMemo(() => {
    const columns = box.current?.closest(".columns");
    return !!columns && width < columns.clientWidth / 2;
  }, [width]);
  // On a stage the height is given, elsewhere it follows.
  const room = { width, height: scale > 1 ? height : Infinity, isColumn };
  const grid = layers.length > 0 && width > 0 ? gridOf(layers, room, scale, order) : null;
  const { queries } = attention.sides.value;
  const isRead = ([layer]: LayerRow) =>
    isApart || attention.thumbnails.of(attention.kind.value, layer)?.trace === trace;
  const read = layers.filter(isRead).length;
  return (
    <section
      class={`panel overview ${store.input.resting.value === null ? "" : "behind"}`}
      aria-label={words.title}
    >
      <h3>
        <span class="ellipsis">
          {words.title} <small>{isApart ? wordsOf(store).title : hintOf(store)}</small>
        </span>
      </h3>
      <Hint name="map" />
      {layers.length > 0 && <Habits store={store} mark={mark} sorted={sorted} />}
      <div ref={box} class="scroll">
        {trace && layers.length === 0 && <p class="muted">{words.none}</p>}
        {grid && <Heads store={store} grid={grid} mark={mark.value} layer={layer} scale={scale} />}
      </div>
      {grid && <About store={store} mark={mark.value} layer={layer.value} />}
      {grid && (
        <p class="note ellipsis extra" role="status">
          {trace && read < layers.length && queries.length > SLOW
            ? fill(words.reading, { read, all: layers.length })
            : queries.length > DRAWN
              ? fill(words.sampled, { count: count(DRAWN) })
              : lackingMlps(store) || "\u00a0"}
        </p>
      )}
    </section>
  );
}

/** What the mouse does, or shows. */
function hintOf({ attention, input, state }: Store): string {
  if (input.resting.value !== null) return plural(input.resting.value, common.resting);
  const { layer, head } = attention.preview.value ?? { layer: -1, head: -1 };
  return layer < 0 || (layer === state.layer.value && head === state.head.value)
    ? words.keep
    : fill(words.preview, { head: `${layer}·${head}` });
}

/** The layers of the text on screen, or of the one before: without a text, those of the model. */
function useLayers({ attention, model, trace }: Store): LayerRow[] {
  const known = useRef<LayerRow[] | null>(null);
  if (trace.value) return (known.current = attention.layers.value);
  const { layers, heads, kv_heads } = model.value!;
  return (
    known.current ?? Array.from({ length: layers }, (_, layer) => [layer, heads, kv_heads] as const)
  );
}

interface HabitsProps {
  store: Store;
  mark: { value: ScoreName | "" };
  sorted: { value: boolean };
}

/** Which habit heads are highlighted by. */
function Habits({ store, mark, sorted }: HabitsProps) {
  const { effects, samples, state } = store;
  const isApart = showsDistances(store);
  const pick = (name: string) => {
    const likeliest = store.next.peek()?.sorted.order[0];
    const isEffect = name === EFFECT && likeliest !== undefined;
    state.effectOf.value = isEffect ? [likeliest] : [];
    mark.value = name === EFFECT ? "" : (name as ScoreName | "");
  };
  return (
    <div class="habits flow extra">
      <select
        class={isApart ? "unseen" : ""}
        aria-label={words.mark}
        value={effects.isOn ? EFFECT : mark.value}
        onChange={(event) => pick(event.currentTarget.value)}
      >
        <option value="">{words.markNone}</option>
        {SCORES.map((name) => (
          <option key={name} value={name} title={words.scores[name].text}>
            {words.scores[name].title}
          </option>
        ))}
        {(samples.value || effects.isOn) && <option value={EFFECT}>{effectWords.mark}</option>}
      </select>
      <button
        type="button"
        class={mark.value || effects.isOn || isApart ? "" : "unseen"}
        aria-pressed={sorted.value}
        onClick={() => (sorted.value = !sorted.value)}
      >
        {words.sort}
      </button>
    </div>
  );
}

/** All heads, those with most of a habit, or with the greatest effect, first. */
function ranked(store: Store, mark: ScoreName | ""): Head[] {
  const { attention, effects, sides } = store;
  const score = (head: Head) => {
    const value = showsDistances(store)
      ? distanceOf(sides.distances.value, head)
      : mark
        ? attention.score(mark, head)
        : Math.abs(effects.ofHead(head)?.value ?? -1);
    return value === undefined || Number.isNaN(value) ? -1 : value;
  };
  return attention.layers.value
    .flatMap(([layer, heads]) => Array.from({ length: heads }, (_, head) => ({ layer, head })))
    .sort((a, b) => score(b) - score(a));
}

interface AboutProps {
  store: Store;
  mark: ScoreName | "";
  layer: number | null;
}

/** What the head in focus, or under the mouse, does. */
function About({ store, mark, layer }: AboutProps) {
  const { attention } = store;
  const here = attention.shown.value;
  const explained = mark && words.scores[mark];
  const isApart = showsDistances(store);
  return (
    <>
      <p class="habit figures">
        <b>
          {here.layer}·{here.head}
          <Switches store={store} here={here} />
        </b>
        {isApart ? (
          <DistanceOf store={store} here={here} />
        ) : store.effects.isOn ? (
          <EffectsOf store={store} here={here} layer={layer} />
        ) : (
          SCORES.map((name) => (
            <span key={name} class={`spread ${name === mark ? "here" : ""}`}>
              {words.scores[name].title} <span>{scoreText(attention.score(name, here))}</span>
            </span>
          ))
        )}
      </p>
      <p class="explained lines extra">
        {isApart
          ? explainedDistances(store)
          : store.effects.isOn
            ? explainedBy(store)
            : explained && fill(words.explained, explained)}
      </p>
    </>
  );
}

const LEAST = 0.001;

const scoreText = (score: number | undefined): string =>
  score === undefined || Number.isNaN(score) ? "–" : score < LEAST ? `<${LEAST}` : score.toFixed(3);

interface HeadsProps {
  store: Store;
  grid: Grid;
  mark: ScoreName | "";
  layer: Signal<number | null>;
  scale: number;
}

function Heads({ store, grid, mark, layer, scale }: HeadsProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const element = useRef<HTMLDivElement>(null);
  const theme = useContext(ThemeContext).value;
  const { attention, state } = store;
  const trace = store.trace.value;
  const thumbnails = attention.thumbnails.read.value;
  const kind = attention.kind.value;
  const focus = { layer: state.layer.value, head: state.head.value };
  const preview = attention.preview.value;

  const { isOn, heads, mlps } = store.effects;
  const isApart = showsDistances(store);
  const { distances, pair, why } = store.sides;
  const found = [
    ...(isOn ? [heads, mlps] : []).flatMap(({ shown, isNew, refused }) => [
      shown.value,
      isNew.value,
      refused.value,
    ]),
    ...(isApart ? [distances.value, pair.value, why.value] : []),
  ];
  useLayoutEffect(() => {
    const context = prepare(canvas.current!, grid.width, grid.height);
    if (isApart) return paintDistances(context, grid, store, theme);
    if (isOn) return paintEffects(context, grid, store, theme);
    for (const place of grid.places) {
      context.globalAlpha = 1;
      context.fillStyle = INK[theme].cell;
      context.fillRect(place.x, place.y, grid.size, grid.size);
      const thumbnail = attention.thumbnails.of(kind, place.layer);
      const picture = thumbnail && pictures(thumbnail, theme)[place.head];
      if (!picture) continue;
      const habit = mark ? (attention.score(mark, place) ?? 0) : 1;
      // Pictures of the text before stay, pale, until those of the new one are there.
      const isNew = thumbnail.trace === trace;
      context.globalAlpha = (isNew ? 1 : 0.35) * (0.12 + 0.88 * (habit || 0));
      stamp(context, picture, place.x, place.y, grid.size, grid.size);
    }
  }, [grid, trace, thumbnails, kind, mark, theme, isOn, isApart, ...found]);
  useEffect(() => {
    // Layers in sight are asked for first.
    const rows = [...element.current!.querySelectorAll<HTMLElement>("[data-layer]")];
    const observer = new IntersectionObserver((entries) => {
      const now = new Set(attention.thumbnails.inSight.peek());
      for (const { target, isIntersecting } of entries) {
        const layer = Number((target as HTMLElement).dataset.layer);
        if (isIntersecting) now.add(layer);
        else now.delete(layer);
      }
      attention.thumbnails.inSight.value = now;
    });
    rows.forEach((row) => observer.observe(row));
    return () => observer.disconnect();
  }, [trace, kind, grid.isSorted, grid.isLying, grid.size]);

  const at = (event: MouseEvent): Head | null => {
    const bounds = canvas.current!.getBoundingClientRect();
    return headAt(grid, event.clientX - bounds.left, event.clientY - bounds.top);
  };
  const labelAt = (event: MouseEvent): number | null => {
    const bounds = canvas.current!.getBoundingClientRect();
    return layerAt(grid, event.clientX - bounds.left, event.clientY - bounds.top);
  };
  const hover = (event: PointerEvent) => {
    const found = at(event);
    layer.value = found ? null : labelAt(event);
    const before = attention.preview.peek();
    if (found?.layer === before?.layer && found?.head === before?.head) return;
    attention.preview.value = found;
  };
  /** X is down: what it switches is known once it comes up, or something is clicked meanwhile. */
  const held = useRef<{ layer: boolean } | null>(null);
  const keys = onKeys("heads", {
    off({ event }) {
      held.current ??= { layer: event.shiftKey };
    },
    mlp: () => store.whatIf.toggle(mlpOf(attention.preview.peek() ?? focus, store)),
    move({ down, right }) {
      const next = neighbour(grid, focus, down, right);
      if (!next) return false;
      attention.preview.value = null;
      attention.keep(next);
      return true;
    },
    pin: () => attention.toggle(focus),
  });
  const first = grid.places.filter(({ head }) => head === 0);
  const off = grid.places.filter((place) => store.whatIf.isOff(place, kind));
  const patched = grid.places.filter((place) => store.whatIf.isPatched(place, kind));
  return (
    <div
      ref={element}
      class={`head-grid ${grid.isLying ? "lying" : ""}`}
      role="application"
      tabIndex={0}
      aria-label={fill(words.grid, focus)}
      style={{ width: px(grid.width), height: px(grid.height) }}
      onKeyDown={keys}
      onKeyUp={({ key }) => {
        if (key.toLowerCase() !== "x" || !held.current) return;
        const here = attention.preview.peek() ?? focus;
        if (held.current.layer) store.whatIf.toggleLayer(here.layer, kind);
        else store.whatIf.toggleHead(here, kind);
        held.current = null;
      }}
      onPointerMove={hover}
      onPointerLeave={() => (attention.preview.value = layer.value = null)}
      onClick={(event) => {
        const found = at(event);
        const label = held.current && !found && labelAt(event);
        if (label !== null && label !== false) {
          held.current = null;
          store.whatIf.toggleLayer(label, kind);
        }
        if (!found) return;
        if (event.shiftKey || event.ctrlKey || event.metaKey) attention.toggle(found);
        else attention.keep(found);
      }}
    >
      <canvas ref={canvas} />
      {!grid.isSorted &&
        first.map(({ layer, x, y }) => (
          <i
            key={layer}
            class="row"
            data-layer={layer}
            style={{ left: px(x), top: px(y), height: px(grid.size) }}
          />
        ))}
      <Numbers grid={grid} focus={preview ?? focus} scale={scale} />
      <ChosenFrames grid={grid} heads={state.heads.value} />
      {off.map((at) => (
        <Frame key={`off${at.layer}.${at.head}`} grid={grid} at={at} kind="off" />
      ))}
      {patched.map((at) => (
        <Frame key={`from${at.layer}.${at.head}`} grid={grid} at={at} kind="patched" />
      ))}
      {store.pointed.value
        .filter(({ kind }) => kind === "head")
        .map(({ at: [layer, head] }) => (
          <Frame
            key={`at${layer}.${head}`}
            grid={grid}
            at={{ layer: Number(layer), head: Number(head) }}
            kind={`at-${layer}-${head}`}
          />
        ))}
      <Frame grid={grid} at={focus} kind="focus" />
      <Frame grid={grid} at={preview} kind="preview" />
      {isOn && !isApart && <StripFrame grid={grid} layer={layer.value} />}
    </div>
  );
}

/** Thumbnails as pictures, made once for each theme. */
const made = new WeakMap<Thumbnail, { theme: Theme; pictures: OffscreenCanvas[] }>();

function pictures(thumbnail: Thumbnail, theme: Theme): OffscreenCanvas[] {
  const known = made.get(thumbnail);
  if (known?.theme === theme) return known.pictures;
  const paint = { ink: INK[theme].attention, scale: "sqrt", threshold: 0 } as const;
  const found = heatmaps(thumbnail.shades, paint);
  made.set(thumbnail, { theme, pictures: found });
  return found;
}
