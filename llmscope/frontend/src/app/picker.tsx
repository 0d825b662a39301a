import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Panel, PanelProps } from "../panels/props";
import { picker as words } from "#words/picker";
import { Problem } from "./problem";
import css from "./picker.css";

type Left = () => { words?: string; picture?: string };

/** Chooses and loads a model, with its progress and its errors in place. */
function Picker({ store, left }: PanelProps & { left: Left }) {
  const name = useSignal("");
  const choices = store.models.choices.value;
  const progress = store.models.progress.value;
  const problem = store.problem.value;
  if (!choices) {
    return problem || store.isGone.value ? <Problem store={store} /> : <Waiting left={left} />;
  }
  const load = (event: Event) => {
    event.preventDefault();
    if (name.value.trim()) void store.models.load(name.value.trim());
  };
  return (
    <section class="picker" aria-label={words.title}>
      <h3>{words.title}</h3>
      <ul class="list">
        {choices.map((choice) => (
          <li key={choice.name ?? ""}>
            <button
              type="button"
              disabled={!!progress}
              onClick={() => void store.models.load(choice.name ?? "")}
            >
              <strong>{choice.title}</strong>
              <span class="muted">{choice.detail}</span>
            </button>
          </li>
        ))}
      </ul>
      <form onSubmit={load}>
        <label>
          <span class="muted">{words.other}</span>
          <input
            type="text"
            class="text-input"
            value={name.value}
            placeholder="openai-community/gpt2"
            spellcheck={false}
            disabled={!!progress}
            onInput={(event) => (name.value = event.currentTarget.value)}
          />
        </label>
        <button type="submit" disabled={!!progress || !name.value.trim()}>
          {words.load}
        </button>
      </form>
      {progress && (
        <p class="progress" role="status">
          <progress
            {...(progress.total ? { max: progress.total, value: progress.done } : {})}
            aria-label={progress.stage}
          />
          <span class="muted">{progress.stage}</span>
          <button type="button" onClick={() => store.models.stop()}>
            {words.stop}
          </button>
        </p>
      )}
      <Problem store={store} />
      {problem?.kind === "default" && (
        <button type="button" onClick={() => void store.models.install()}>
          {words.install}
        </button>
      )}
    </section>
  );
}

const LATE = 2500; // ms without an answer

/** Until a kernel answers; where none does, what there was before. */
function Waiting({ left }: { left: Left }) {
  const isLate = useSignal(false);
  useEffect(() => {
    const timer = window.setTimeout(() => (isLate.value = true), LATE);
    return () => window.clearTimeout(timer);
  }, []);
  if (!isLate.value) return <p class="muted">{words.waiting}</p>;
  const { picture, words: said } = left();
  return (
    <div class="left">
      <p role="status">
        {words.noAnswer} {picture && words.before}
      </p>
      {picture && <img src={`data:image/png;base64,${picture}`} alt={said ?? ""} />}
    </div>
  );
}

/** What is chosen from where there is no model; `left` gives what a notebook has of the view. */
export const picker = (left: Left): Panel => ({
  name: "picker",
  component: ({ store }) => <Picker store={store} left={left} />,
  css,
  place: "row",
});
