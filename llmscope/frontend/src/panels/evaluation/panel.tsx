import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Store } from "../../store/store";
import { plural } from "../../ui/format";
import { evaluation as words } from "#words/evaluation";
import { fill } from "../../words/fill";
import type { PanelProps } from "../props";
import { type EvaluationAnswer, columnsOf, nextOrdering, ordered, taskOf } from "./answer";
import { Behind } from "./behind";
import { Items } from "./items";
import { aboutOf, nameOf, readingOf } from "./names";
import { Open } from "./open";
import { Plot } from "./plot";
import { Table } from "./table";

/** Models in a table, the chosen measure as a plot, and the texts behind its numbers. */
export function Evaluation({ store }: PanelProps) {
  const request = { type: "evaluated" } as const;
  const lacking = store.lacks(request);
  const answer = lacking ? null : store.lasting.watch<EvaluationAnswer>(request).value;
  const last = useRef<EvaluationAnswer | null>(null);
  last.current = answer ?? last.current;
  const found = last.current;
  return (
    <section class="panel evaluation" aria-label={words.label}>
      <h3>
        {words.title}{" "}
        {found && (
          <small class="figures">
            {fill(words.size, {
              models: plural(found.models.length, words.models),
              texts: plural(found.all_texts, words.texts),
            })}
          </small>
        )}
      </h3>
      {found ? (
        <Found store={store} answer={found} />
      ) : (
        <p class="muted empty">{lacking ?? words.beginning}</p>
      )}
    </section>
  );
}

function Found({ store, answer }: { store: Store; answer: EvaluationAnswer }) {
  const { measure, ordering } = store.state;
  const text = useSignal<number | null>(null);
  const pointed = useSignal<number | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const { measures } = answer;
  const columns = columnsOf(answer);
  const wanted = measures.findIndex(({ name }) => name === measure.value);
  const at = columns.includes(wanted) ? wanted : (columns[0] ?? 0);
  const chosen = measures[at]!;
  const models = ordered(answer, at, ordering.value);
  const choose = (to: number) => (measure.value = measures[to]!.name);
  const sort = (to: number | null) => {
    if (to === null) return void (ordering.value = "given");
    ordering.value = nextOrdering(measures[to]!.better, to === at ? ordering.peek() : null);
    choose(to);
  };
  const about = measures[pointed.value ?? at]!;
  return (
    <>
      <Progress store={store} answer={answer} />
      <Table
        answer={answer}
        models={models}
        columns={columns}
        chosen={at}
        ordering={ordering.value}
        onSort={sort}
        onPoint={(to) => (pointed.value = to)}
        onBehind={(to) => {
          choose(to);
          list.current?.querySelector<HTMLElement>("[tabindex='0']")?.focus();
        }}
      />
      <p class="caption lines about" role="status">
        <b>{nameOf(about.name)}</b> {aboutOf(about.name)}
      </p>
      <div class="halves">
        <div>
          <h4>
            {nameOf(chosen.name)} <small>{readingOf(chosen)}</small>
          </h4>
          <Plot answer={answer} at={at} models={models} />
        </div>
        <div ref={list}>
          {taskOf(chosen.name) ? (
            <Items answer={answer} name={chosen.name} models={models} />
          ) : (
            <Behind answer={answer} measure={chosen} models={models} text={text} />
          )}
        </div>
      </div>
      <Open store={store} answer={answer} models={models} text={text.value} />
      {answer.models.flatMap(({ name, notes }) =>
        notes.map((note) => (
          <p key={name + note} class="note">
            {fill(words.noted, { name, note })}
          </p>
        )),
      )}
    </>
  );
}

/** How far it is, and a button that stops it. It keeps its room when it is over. */
function Progress({ store, answer }: { store: Store; answer: EvaluationAnswer }) {
  const wasSeen = useRef(false);
  wasSeen.current ||= !answer.over;
  if (!wasSeen.current) return null;
  const running = answer.models.find(({ state }) => state === "running");
  const left = answer.seconds_left;
  return (
    <div class={`progress flow ${answer.over ? "unseen" : ""}`}>
      <progress value={answer.done} aria-label={words.label} />
      <span class="figures" role="status">
        {running && fill(words.doing[answer.stage], { model: running.name })}
        {left !== null && (
          <small>
            {" "}
            {left < 90
              ? plural(Math.max(1, Math.round(left)), words.left.seconds)
              : plural(Math.round(left / 60), words.left.minutes)}
          </small>
        )}
      </span>
      <button
        type="button"
        title={words.stopTitle}
        onClick={() => store.lasting.watch({ type: "stop_evaluation" })}
      >
        {words.stop}
      </button>
    </div>
  );
}
