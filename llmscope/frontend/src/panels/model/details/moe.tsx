import type { MoeBox } from "../../../protocol/model";
import { useScale } from "../../../ui/em";
import { percent, plural, roundedWeight } from "../../../ui/format";
import { model as words } from "#words/model";
import { choose, fill } from "../../../words/fill";
import { GainList } from "./gains";

/** How the router shares a token out among experts, and those that it chose. */
export function Moe({ answer }: { answer: MoeBox }) {
  const { probabilities, chosen, weights, shared, top, treatment } = answer;
  const shown = useScale() > 1 ? 5 : 7;
  const rank = new Map(Array.from(chosen.data, (expert, at) => [expert, at]));
  const most = Math.max(...probabilities.data) || 1;
  return (
    <div class="model-columns">
      <div>
        <div
          class={`model-experts ${probabilities.data.length > 16 ? "many" : ""}`}
          role="img"
          aria-label={words.routed}
        >
          {Array.from(probabilities.data, (share, expert) => (
            <span
              key={expert}
              class={rank.has(expert) ? "chosen" : ""}
              title={fill(words.expert, { expert, share: percent(share) })}
            >
              <i style={{ "--high": `${(100 * share) / most}%` }} />
              <small>{expert}</small>
            </span>
          ))}
        </div>
        <p class="figures">
          {fill(choose(words.chosen, chosen.data.length), {
            list: Array.from(chosen.data, (expert, at) =>
              fill(words.weighted, { expert, weight: roundedWeight(weights.data[at]!) }),
            ).join(", "),
            count: plural(probabilities.data.length, words.expertsOf),
          })}
          {shared && ` · ${words.shared}`}
        </p>
      </div>
      <div class="model-side">
        {top ? (
          <GainList title={words.together} gains={top} count={shown} />
        ) : (
          <p class="muted">{treatment}</p>
        )}
      </div>
    </div>
  );
}
