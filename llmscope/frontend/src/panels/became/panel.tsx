import { useSignal } from "@preact/signals";
import { useContext, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import { type Ink, legibleOn, rgb } from "../../draw/color-scale";
import { ThemeContext } from "../../host/colors";
import type { LayerRow } from "../../protocol/answers";
import { SCORES, type ScoreName } from "../../protocol/shared";
import type { Head } from "../../store/attention/types";
import type { Store } from "../../store/store";
import type { TrainingStore } from "../../store/training";
import { useScale } from "../../ui/em";
import { count } from "../../ui/format";
import { type HeadScores, habitInk } from "../../ui/habits";
import { ChosenFrames, Frame } from "../../ui/head-frame";
import { type Grid, gridOf, headAt, neighbour } from "../../ui/head-grid";
import { Numbers } from "../../ui/head-numbers";
import { onKeys } from "../../ui/keys";
import { useHeads } from "../../ui/over-steps";
import { Save } from "../../ui/save";
import { nearestTo } from "../../ui/steps-axis";
import { useSize } from "../../ui/use-size";
import { became as words } from "#words/became";
import { overSteps } from "#words/over-steps";
import { overview } from "#words/overview";
import { fill } from "../../words/fill";
import type { PanelProps } from "../props";
import { paint } from "./paint";

const TALL = 420; // pixels of all heads, at most

/** All heads at the step in focus, coloured by what they became. */
export function Became({ store }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const em = useScale();
  const hovered = useSignal<Head | null>(null);
  const { training } = store;
  const { scores, isOld, lacking, kept, kind, layers, heads } = useHeads(store);
  const isThere = layers.length > 0;
  const { width, height } = size;
  const grid = useMemo(() => {
    const rows = layers.map((layer): LayerRow => [layer, heads, heads]);
    // On a stage the height is given.
    return gridOf(rows, { width, height: em > 1 ? height : TALL }, em, null);
  }, [layers.join(), heads, width, height, em]);
  return (
    <section ref={panel} class="panel became" aria-label={words.title}>
      <h3>
        <span class="ellipsis">
          {words.title} {training && isThere && <StepNow training={training} />}
        </span>
      </h3>
      <div class="became-body">
        <div ref={box} class="became-box">
          {training && isThere && !lacking && width > 0 ? (
            <Heads
              store={store}
              training={training}
              grid={grid}
              scores={scores}
              isOld={isOld}
              hovered={hovered}
            />
          ) : (
            <p class="muted empty">
              {lacking ?? (training?.current.value ? (isThere ? "" : words.none) : overSteps.empty)}
            </p>
          )}
        </div>
        {training && isThere && !lacking && (
          <Reading
            store={store}
            kept={kept}
            grid={grid}
            training={training}
            scores={isOld ? null : scores}
            hovered={hovered}
          />
        )}
      </div>
      {training && isThere && !lacking && (
        <>
          <p class="note lines became-explained extra">{words.explained}</p>
          <div class="foot extra">
            <Save of={panel} name={`became-${kind}`} />
          </div>
        </>
      )}
    </section>
  );
}

function StepNow({ training }: { training: TrainingStore }) {
  const step = training.step.value;
  return step < 0 ? null : <small>{fill(overSteps.step, { step: count(step) })}</small>;
}

interface HeadsProps {
  store: Store;
  training: TrainingStore;
  grid: Grid;
  scores: HeadScores | null;
  isOld: boolean;
  hovered: { value: Head | null };
}

function Heads({ store, training, grid, scores, isOld, hovered }: HeadsProps) {
  const em = useScale();
  const { attention, state } = store;
  const focus = { layer: state.layer.value, head: state.head.value };
  const preview = hovered.value;
  const at = (event: MouseEvent): Head | null => {
    const bounds = (event.currentTarget as Element).getBoundingClientRect();
    return headAt(grid, event.clientX - bounds.left, event.clientY - bounds.top);
  };
  const keys = onKeys("became", {
    move({ down, right }) {
      const next = neighbour(grid, focus, down, right);
      if (!next) return false;
      hovered.value = null;
      attention.keep(next);
      return true;
    },
    pin: () => attention.toggle(focus),
  });
  return (
    <div
      class={`head-grid ${isOld ? "old" : ""}`}
      role="application"
      tabIndex={0}
      aria-label={fill(words.grid, focus)}
      style={{ width: px(grid.width), height: px(grid.height) }}
      onKeyDown={keys}
      onPointerMove={(event) => {
        const found = at(event);
        const before = hovered.value;
        if (found?.layer !== before?.layer || found?.head !== before?.head) hovered.value = found;
      }}
      onPointerLeave={() => (hovered.value = null)}
      onClick={(event) => {
        const found = at(event);
        if (!found) return;
        if (event.shiftKey || event.ctrlKey || event.metaKey) attention.toggle(found);
        else attention.keep(found);
      }}
    >
      <Cells training={training} grid={grid} scores={scores} />
      <Numbers grid={grid} focus={preview ?? focus} scale={em} />
      <ChosenFrames grid={grid} heads={state.heads.value} />
      <Frame grid={grid} at={focus} kind="focus" />
      <Frame grid={grid} at={preview} kind="preview" />
    </div>
  );
}

/** All that is painted anew while steps are walked. */
function Cells({ training, grid, scores }: Pick<HeadsProps, "training" | "grid" | "scores">) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useContext(ThemeContext).value;
  const step = scores ? nearestTo(scores.steps, training.step.value) : 0;
  useLayoutEffect(() => {
    const family = getComputedStyle(canvas.current!).fontFamily;
    paint(canvas.current!, { grid, scores, step, theme, family });
  }, [grid, scores, step, theme]);
  return <canvas ref={canvas} />;
}

const scoreText = (score: number): string => (Number.isNaN(score) ? "–" : score.toFixed(3));

interface ReadingProps {
  store: Store;
  kept: number;
  grid: Grid;
  training: TrainingStore;
  scores: HeadScores | null;
  hovered: { value: Head | null };
}

const letter = (ink: Ink) => ({ background: rgb(ink), color: rgb(legibleOn(ink)) });

/** All scores of the head in focus, or under the mouse: at the step, and at the end. */
function Reading({ store, kept, grid, training, scores, hovered }: ReadingProps) {
  const { state } = store;
  const { layer, head } = hovered.value ?? { layer: state.layer.value, head: state.head.value };
  const step = scores ? nearestTo(scores.steps, training.step.value) : 0;
  const habit = scores && scores.became({ layer, head });
  const theme = useContext(ThemeContext).value;
  const counts = useMemo(() => scores && countsOf(scores, grid), [scores, grid]);
  const score = (at: number, name: ScoreName) =>
    scores ? scoreText(scores.at(at, name, { layer, head })) : "–";
  return (
    <div>
      <p class="became-reading ellipsis" role="status">
        {kept === 0 ? (
          overSteps.empty
        ) : (
          <>
            <b>
              {layer}·{head}
            </b>{" "}
            {scores &&
              (habit ? fill(words.became, { habit: overview.scores[habit].title }) : words.unknown)}
          </>
        )}
      </p>
      <table class="figures">
        <thead>
          <tr>
            <td />
            <th>{kept > 0 && fill(overSteps.step, { step: count(training.step.value) })}</th>
            <th>{words.end}</th>
            <th>{words.heads}</th>
          </tr>
        </thead>
        <tbody>
          {SCORES.map((name) => (
            <tr key={name} class={name === habit ? "here" : ""} title={overview.scores[name].text}>
              <th>
                <i style={letter(habitInk(theme, name))}>{words.letters[name]}</i>{" "}
                {overview.scores[name].title}
              </th>
              <td>{score(step, name)}</td>
              <td>{score(scores?.last ?? 0, name)}</td>
              <td>{counts ? (counts.get(name) ?? 0) : "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** How many heads became each. */
function countsOf(scores: HeadScores, { places }: Grid): Map<ScoreName | null, number> {
  const found = new Map<ScoreName | null, number>();
  for (const place of places) {
    const habit = scores.became(place);
    found.set(habit, (found.get(habit) ?? 0) + 1);
  }
  return found;
}
