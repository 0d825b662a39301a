import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { TrainingRun } from "../../protocol/training";
import type { Store } from "../../store/store";
import { count, plural } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { Save } from "../../ui/save";
import { Segmented } from "../../ui/segmented";
import { common } from "#words/common";
import { training as words } from "#words/training";
import { fill } from "../../words/fill";
import type { PanelProps } from "../props";
import { Curve } from "./curve";
import { Held } from "./held";
import { doneOf, secondsLeft } from "./log";
import { Player } from "./player";

/** A model that learns: its loss, and which step of it all panels show. */
export function Training({ store }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const training = store.training!;
  const answer = training.answer.value;
  const run = training.current.value;
  const notes = training.lacking.value ? [training.lacking.value] : (run?.notes ?? []);
  // What is to come has its room, and what is over keeps it.
  const wasOn = useRef(false);
  wasOn.current ||= run?.state === "training" || run?.state === "waiting";
  return (
    <section ref={panel} class="panel training" aria-label={words.title} onKeyDown={keysOf(store)}>
      <h3>
        <span class="ellipsis">
          {words.title} {run && <small>{aboutOf(run)}</small>}
        </span>
      </h3>
      <div class="flow">
        <Choices store={store} />
        {run && <Far store={store} run={run} hasRoom={wasOn.current} />}
      </div>
      {answer && training.step.value >= 0 ? (
        <>
          <Curve store={store} answer={answer}>
            <div class="flow figures">
              <Player store={store} />
              <Held store={store} />
            </div>
          </Curve>
        </>
      ) : (
        <p class="muted empty nothing" role="status">
          {answer ? words.waiting : (store.lacks({ type: "training" }) ?? words.asking)}
        </p>
      )}
      <div class="foot extra">
        {(wasOn.current || notes.length > 0) && <Notes notes={notes} />}
        {training.step.value >= 0 && <Save of={panel} name={`training-${training.step.value}`} />}
      </div>
    </section>
  );
}

/** What is always in sight on a stage: the step, and what plays it. */
export function TrainingStrip({ store }: PanelProps) {
  if (store.training!.step.value < 0) return null;
  return (
    <section class="training strip flow figures" aria-label={words.title} onKeyDown={keysOf(store)}>
      <Player store={store} hasSlider />
      <Held store={store} />
    </section>
  );
}

function aboutOf({ name, model }: TrainingRun): string {
  const own = model.model?.name ?? name;
  return own === name ? name : fill(words.about, { name, model: own });
}

/** Keys of the whole panel, wherever in it the focus is. */
const keysOf = ({ training }: Store) =>
  onKeys("training", { hold: () => training!.step.peek() >= 0 && training!.hold() });

/** Which run and which of the texts are shown. */
function Choices({ store }: PanelProps) {
  const { state } = store;
  const { answer, run, probe, probes } = store.training!;
  const runs = answer.value?.runs ?? [];
  const names = Object.fromEntries(runs.map(({ name }, number) => [String(number), name]));
  return (
    <>
      {runs.length > 1 && (
        <Segmented
          label={words.runs}
          options={Object.keys(names)}
          names={names}
          value={String(run.value)}
          onPick={(picked) => store.training!.turnTo(Number(picked))}
        />
      )}
      {probes.value.length > 0 && (
        <label class="probe">
          <span class="muted">{words.probe}</span>{" "}
          <select
            aria-label={words.probes}
            value={probe.value}
            onChange={(event) => (state.probe.value = Number(event.currentTarget.value))}
          >
            {probes.value.map(({ label }, number) => (
              <option key={number} value={number}>
                {label}
              </option>
            ))}
          </select>
        </label>
      )}
    </>
  );
}

interface FarProps extends PanelProps {
  run: TrainingRun;
  /** Whether there is room for what a training that goes on has. */
  hasRoom: boolean;
}

/** How far the run is, with the time left; and what asks it to stop. */
function Far({ store, run, hasRoom }: FarProps) {
  const asked = useSignal(false);
  const { state, total } = run;
  const done = doneOf(run);
  const isOn = state === "training";
  const left = secondsLeft(run);
  const canStop = isOn && !store.isGone.value && store.lacks({ type: "training_stop" }) === null;
  const far =
    total === null
      ? plural(done, words.farOf)
      : fill(words.far, { done: count(done), total: count(total) });
  const how =
    isOn && store.isGone.value
      ? words.lost
      : asked.value && isOn
        ? words.stopping
        : isOn && left !== null
          ? timeLeft(left)
          : words.states[state];
  return (
    <span class="right figures">
      <span role="status">
        {far} · {how}
      </span>
      {hasRoom && (
        <>
          <progress
            class={`far ${isOn ? "" : "unseen"}`}
            value={total === null ? undefined : done}
            max={total ?? 1}
            aria-label={words.title}
            data-tool
          />
          <button
            type="button"
            class={canStop ? "" : "unseen"}
            disabled={asked.value}
            title={words.stopTitle}
            data-tool
            onClick={() => {
              asked.value = true;
              store.lasting.watch({ type: "training_stop" });
            }}
          >
            {words.stop}
          </button>
        </>
      )}
    </span>
  );
}

/** Rounded up, so that it isn't over before it is. */
function timeLeft(seconds: number): string {
  if (seconds < 100) return plural(Math.max(1, Math.ceil(seconds)), words.seconds);
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100
    ? plural(minutes, words.minutes)
    : plural(Math.ceil(minutes / 60), words.hours);
}

/** What is to be known of the run: as many lines as there is room for, and all of it on hover. */
function Notes({ notes }: { notes: readonly string[] }) {
  const all = notes.join(common.sentences);
  return (
    <p class="note notes scrolls" role="status" title={all} tabIndex={all ? 0 : undefined}>
      {all || "\u00a0"}
    </p>
  );
}
