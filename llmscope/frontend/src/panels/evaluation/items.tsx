import { evaluation as words } from "#words/evaluation";
import { fill } from "../../words/fill";
import { type EvaluationAnswer, itemsOf } from "./answer";

interface ItemsProps {
  answer: EvaluationAnswer;
  name: string;
  models: readonly number[];
}

/** The items of a task, with what each model said. */
export function Items({ answer, name, models }: ItemsProps) {
  const items = itemsOf(answer, name);
  return (
    <>
      <h4>
        {words.items} {models.length > 1 && <small>{words.behindSorted}</small>}
      </h4>
      <div class="texts items scrolls" role="group" aria-label={words.items} tabIndex={0}>
        {items.map(({ asked, right, said }, index) => (
          <div key={index} class="item">
            <p>
              {asked} <b>{fill(words.right, { answer: right.trim() })}</b>
            </p>
            {models.map((model) => {
              const [answered, score] = said[model] ?? [null, 0];
              if (answered === null) return null;
              return (
                <p key={model} class={score > 0 ? "good" : "bad"}>
                  <span class="ellipsis" title={answer.models[model]!.name}>
                    {answer.models[model]!.name}
                  </span>
                  <i aria-hidden="true">{score > 0 ? "✓" : "✗"}</i>
                  <span>{answered.trim()}</span>
                </p>
              );
            })}
          </div>
        ))}
      </div>
    </>
  );
}
