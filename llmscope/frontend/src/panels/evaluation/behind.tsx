import type { Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { onKeys } from "../../ui/keys";
import { clamp } from "../../ui/scale";
import { evaluation as words } from "#words/evaluation";
import { fill } from "../../words/fill";
import { type EvaluationAnswer, type Measure, behind } from "./answer";
import { shown } from "./names";

interface BehindProps {
  answer: EvaluationAnswer;
  measure: Measure;
  models: readonly number[];
  /** The text that is opened. */
  text: Signal<number | null>;
}

/** The texts behind a number, each with what all models have of it. */
export function Behind({ answer, measure, models, text }: BehindProps) {
  const box = useRef<HTMLDivElement>(null);
  const rows = behind(answer, measure.name);
  const here = Math.max(
    0,
    rows.findIndex((row) => row.text === text.value),
  );
  const keys = onKeys("evaluated", {
    move({ down }) {
      const buttons = [...box.current!.querySelectorAll<HTMLElement>("button")];
      const from = buttons.indexOf(box.current!.querySelector<HTMLElement>(":focus")!);
      const to = clamp(from + down, 0, buttons.length - 1);
      buttons[to]?.focus();
      if (rows[to]) text.value = rows[to].text;
    },
  });
  const having = models.filter((model) =>
    rows.some(({ values }) => (values[model] ?? null) !== null),
  );
  const left = answer.all_texts - answer.texts.length;
  return (
    <>
      <h4>
        {words.behind}{" "}
        {rows.length > 1 && (
          <small>{having.length > 1 ? words.behindSorted : words.behindHighest}</small>
        )}
      </h4>
      {rows.length === 0 ? (
        <p class="muted texts">{measure.of_texts ? words.openReading : words.behindNone}</p>
      ) : (
        <div
          ref={box}
          class="texts scrolls"
          style={{ "--models": having.length }}
          role="group"
          aria-label={words.list}
          onKeyDown={keys}
        >
          <div class="row head" aria-hidden="true">
            <span />
            {having.map((model) => (
              <span key={model} class="ellipsis" title={answer.models[model]!.name}>
                {answer.models[model]!.name}
              </span>
            ))}
          </div>
          {rows.map((row, index) => (
            <button
              key={row.text}
              type="button"
              class="row"
              tabIndex={index === here ? 0 : -1}
              aria-pressed={row.text === text.value}
              title={answer.texts[row.text]!.text}
              onClick={() => (text.value = row.text)}
            >
              <span class="ellipsis">{answer.texts[row.text]!.text}</span>
              {having.map((model) => {
                const value = row.values[model] ?? null;
                return (
                  <span key={model} class="figures">
                    {value === null ? "–" : shown(value, measure.unit)}
                  </span>
                );
              })}
            </button>
          ))}
        </div>
      )}
      {left > 0 && (
        <p class="note">
          {fill(words.behindMore, { shown: answer.texts.length, all: answer.all_texts })}
        </p>
      )}
    </>
  );
}
