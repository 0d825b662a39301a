import { type Signal, useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type { HeadAnswer } from "../../protocol/over-steps";
import { MOST_PICTURES } from "../../protocol/over-steps";
import type { ScoreName } from "../../protocol/shared";
import type { Head } from "../../store/attention/types";
import type { TrainingStore } from "../../store/training";
import { count } from "../../ui/format";
import type { HeadScores } from "../../ui/habits";
import { onKeys } from "../../ui/keys";
import { useHeads, useOverSteps } from "../../ui/over-steps";
import { Save } from "../../ui/save";
import { nearestTo } from "../../ui/steps-axis";
import { headSteps as words } from "#words/head-steps";
import { overSteps } from "#words/over-steps";
import { overview } from "#words/overview";
import { choose, fill } from "../../words/fill";
import type { PanelProps } from "../props";
import { Line } from "./line";
import { Pictures } from "./pictures";

/** The head in focus through a training: its score as a line, its attention as pictures. */
export function HeadSteps({ store }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const read = useSignal<number | null>(null);
  const { training, state } = store;
  const { scores: found, isOld, kept, run, probe, kind, layers, heads } = useHeads(store);
  const { layer, head } = { layer: state.layer.value, head: state.head.value };
  const isThere = layers.includes(layer) && head < heads;
  const pictures = useOverSteps<HeadAnswer>(
    store,
    kind && isThere && kept > 0 ? { type: "training_head", run, probe, kind, layer, head } : null,
  );
  const scores = isOld ? null : found;
  const habit = useMemo(() => scores && scores.became({ layer, head }), [scores, layer, head]);
  const lacking =
    pictures.lacking ?? (isThere ? null : training?.current.value ? words.none : overSteps.empty);
  /** Shows the nearest of some steps before the one in focus, or after it. */
  const go = (steps: readonly number[], by: number) => {
    const here = training!.step.peek();
    const found =
      by > 0 ? steps.find((step) => step > here) : steps.filter((step) => step < here).at(-1);
    read.value = null;
    if (found !== undefined) training!.turn(found);
  };
  const all = () => training!.steps.peek();
  const keys = onKeys("headSteps", {
    move({ down, right }) {
      if (right) go(all(), right);
      else go([...(pictures.answer?.steps.data ?? [])], down);
    },
    first: () => training!.turn(all()[0] ?? -1),
    last: () => training!.turn(all().at(-1) ?? -1),
  });
  return (
    <section ref={panel} class="panel head-steps" aria-label={words.title}>
      <h3>
        <span class="ellipsis">
          {words.title} {isThere && <small>{fill(words.head, { layer, head })}</small>}
        </span>
      </h3>
      {!training || lacking ? (
        <p class="muted empty">{lacking}</p>
      ) : (
        <>
          <div
            class="head-steps-body"
            role="application"
            tabIndex={0}
            aria-label={fill(words.plot, { layer, head })}
            onKeyDown={keys}
          >
            <Line
              training={training}
              scores={scores}
              at={{ layer, head }}
              habit={habit}
              read={read}
            />
            <Pictures
              training={training}
              answer={pictures.answer}
              isOld={pictures.isOld}
              most={Math.min(kept, MOST_PICTURES)}
              read={read}
            />
          </div>
          <Reading
            training={training}
            scores={scores}
            at={{ layer, head }}
            habit={habit}
            read={read}
          />
          <p class="note lines head-steps-note extra">
            {habit && `${fill(words.line, { score: overview.scores[habit].title })} · `}
            {pictures.answer &&
              fill(choose(words.shown, kept), {
                count: count(pictures.answer.steps.data.length),
                all: count(kept),
              })}
          </p>
          <div class="foot extra">
            <Save of={panel} name={`head-${layer}-${head}-over-steps`} />
          </div>
        </>
      )}
    </section>
  );
}

interface ReadingProps {
  training: TrainingStore;
  scores: HeadScores | null;
  at: Head;
  habit: ScoreName | null;
  /** The number of a step under the mouse. */
  read: Signal<number | null>;
}

/** What the head scores at the step under the mouse, or in focus. */
function Reading({ training, scores, at, habit, read }: ReadingProps) {
  const wanted = read.value ?? training.step.value;
  const index = scores ? nearestTo(scores.steps, wanted) : -1;
  const step = count(scores?.steps[index] ?? Math.max(0, wanted));
  const value = scores && habit ? scores.at(index, habit, at) : NaN;
  return (
    <p class="head-steps-reading ellipsis figures" role="status">
      {wanted < 0
        ? overSteps.empty
        : Number.isNaN(value)
          ? fill(words.unknown, { step })
          : fill(words.reading, {
              step,
              score: overview.scores[habit!].title,
              value: value.toFixed(3),
            })}
    </p>
  );
}
