import { useEffect, useRef } from "preact/hooks";
import type { Store } from "../../store/store";
import { count, plural } from "../../ui/format";
import { Save } from "../../ui/save";
import { survey as words } from "#words/survey";
import { choose, fill } from "../../words/fill";
import type { PanelProps } from "../props";
import { type SurveyProgress, indexOf, isKnown } from "./answer";
import { HeadOver } from "./head";
import { Axes, Scatter } from "./scatter";

/** All heads over many texts: as points, and the one in focus in full. */
export function Survey({ store }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const run = store.lasting.running<SurveyProgress>({ type: "survey_run" });
  const known = { type: "survey" } as const;
  const isLive = store.lacks({ type: "survey_run" }) === null;
  useEffect(() => {
    if (isLive && !run.latest.peek()) run.start();
  }, []);
  const lacking = isLive || run.latest.value ? null : store.lacks(known);
  const answer = lacking
    ? null
    : (run.latest.value ?? (isLive ? null : store.lasting.watch<SurveyProgress>(known).value));
  const { layer, head } = store.state;
  const focus =
    answer && isKnown(answer) ? indexOf(answer, { layer: layer.value, head: head.value }) : -1;
  return (
    <section ref={panel} class="panel survey" aria-label={words.title}>
      <h3>
        <span class="ellipsis">
          {words.title} {answer && <small>{fill(words.about, { name: answer.name })}</small>}
        </span>
      </h3>
      {lacking ? (
        <p class="muted empty">{lacking}</p>
      ) : (
        <>
          <div class="flow survey-top figures">
            <Axes store={store} />
            {answer && <Far store={store} answer={answer} />}
          </div>
          {answer && isKnown(answer) ? (
            <div class="survey-body">
              <Scatter store={store} answer={answer} />
              {focus >= 0 && <HeadOver store={store} answer={answer} index={focus} />}
            </div>
          ) : (
            <p class="muted empty survey-empty" role="status">
              {answer && answer.done === answer.total ? words.none : words.waiting}
            </p>
          )}
          <div class="foot extra">
            <span class="note lines skipped" title={answer ? allSkipped(answer) : ""}>
              {answer && answer.all_skipped > 0
                ? fill(choose(words.skipped, answer.all_skipped), {
                    count: count(answer.all_skipped),
                    why: answer.skipped[0]![2],
                  })
                : "\u00a0"}
            </span>
            <Save of={panel} name={`survey-${store.state.x.value}-${store.state.y.value}`} />
          </div>
        </>
      )}
    </section>
  );
}

const allSkipped = ({ skipped }: SurveyProgress): string =>
  skipped.map(([place, text, why]) => fill(words.skippedText, { place, text, why })).join("\n");

/** How far it is, with the time left; it can be ended, and gone on with. */
function Far({ store, answer }: { store: Store; answer: SurveyProgress }) {
  const run = store.lasting.running<SurveyProgress>({ type: "survey_run" });
  const { done, total, read, left } = answer;
  const isRunning = run.isRunning.value;
  const isOver = done === total;
  const soFar = fill(words.soFar, { done: count(done), total: count(total) });
  const more = !isRunning ? words.stopped : left === null ? "" : timeLeft(left);
  const canGoOn = store.lacks({ type: "survey_run" }) === null && !store.isGone.value;
  return (
    <span class="right">
      <span role="status">
        {isOver ? plural(read, words.read) : [soFar, more].filter(Boolean).join(" · ")}
      </span>
      {!isOver && (
        <progress class="survey-far" value={done} max={total} aria-label={words.title} data-tool />
      )}
      {!isOver && canGoOn && (
        <button
          type="button"
          class="quiet"
          data-tool
          onClick={() => (isRunning ? run.stop() : run.start())}
        >
          {isRunning ? words.stop : words.goOn}
        </button>
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
