import { NEUTRAL } from "../../protocol/shared";
import { CHAINS, type Outcome, type StageName } from "../../sampling/sampling";
import type { Store } from "../../store/store";
import { count, percent } from "../../ui/format";
import { nextToken as words } from "#words/next-token";
import { fill } from "../../words/fill";
import { useRef } from "preact/hooks";
import type { Signal } from "@preact/signals";

const OFF: Record<StageName, number> = {
  temperature: NEUTRAL.temperature,
  "top-k": NEUTRAL.topK,
  "top-p": NEUTRAL.topP,
  "min-p": NEUTRAL.minP,
  typical: NEUTRAL.typicalP,
};
/** What a stage is switched on to, when it never was. */
const FIRST_ON: Record<StageName, number> = {
  temperature: 0.7,
  "top-k": 50,
  "top-p": 0.9,
  "min-p": 0.05,
  typical: 0.9,
};

interface StagesProps {
  store: Store;
  vocabulary: number;
  outcome: Outcome | null;
  more: boolean;
}

/** The way from the model to the dice: what each stage left and removed. A click switches it. */
export function Stages({ store, vocabulary, outcome, more }: StagesProps) {
  const { temperature, topK, topP, minP, typicalP, order } = store.state;
  const settings: Record<StageName, Signal<number>> = {
    temperature,
    "top-k": topK,
    "top-p": topP,
    "min-p": minP,
    typical: typicalP,
  };
  const before = useRef<Partial<Record<StageName, number>>>({});
  const isOn = (name: StageName) => settings[name].value !== OFF[name];
  const shown = CHAINS[order.value].filter(
    (name) => more || isOn(name) || !["min-p", "typical"].includes(name),
  );
  const flip = (name: StageName) => {
    if (isOn(name)) before.current[name] = settings[name].value;
    settings[name].value = isOn(name) ? OFF[name] : (before.current[name] ?? FIRST_ON[name]);
  };
  let left = outcome?.vocabulary ?? vocabulary;
  return (
    <ol class={`stages list ${shown.length > 3 ? "many" : ""}`} aria-label={words.stages}>
      <li>
        <span>{words.model}</span>
        <b class="figures">{outcome ? count(left) : "–"}</b>
        <small class="figures"> </small>
      </li>
      {shown.map((name) => {
        const stage = outcome?.stages.find((found) => found.name === name);
        left = stage?.kept ?? left;
        return (
          <li key={name} class={isOn(name) ? "on" : "off"}>
            <button
              type="button"
              aria-pressed={isOn(name)}
              title={fill(isOn(name) ? words.switchOff : words.switchOn, {
                stage: words.settings[name],
              })}
              onClick={() => flip(name)}
            >
              <span>{words.settings[name]}</span>
              <b class="figures">{outcome ? count(left) : "–"}</b>
              <small class="figures">
                {stage && stage.removed > 0
                  ? `−${percent(stage.removed)}`
                  : isOn(name)
                    ? " "
                    : words.off}
              </small>
            </button>
          </li>
        );
      })}
    </ol>
  );
}
