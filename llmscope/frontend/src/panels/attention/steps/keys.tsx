import { weight } from "../../../math/format";
import type { Steps } from "../../../store/attention/state";
import { Label, plain } from "../../label";
import type { Stage } from "./stages";
import { number, rowOf } from "./steps";
import { Strip, greatest } from "./strip";

const SHOWN = 12;

interface KeysProps {
  steps: Steps;
  /** Those that were reached. */
  stages: Stage[];
  selected: number;
  onSelect: (key: number) => void;
}

/** A row for each key: its numbers, as far as the steps have come. */
export function Keys({ steps, stages, selected, onSelect }: KeysProps) {
  const weights = steps.weights.data as Float32Array;
  const hidden = steps.hidden.data as Uint8Array;
  const visible = Array.from(weights.keys()).filter((key) => hidden[key] === 0);
  const shown = strongest(visible, weights, selected);
  const others = visible.filter((key) => !shown.includes(key));
  const rest = others.reduce((sum, key) => sum + weights[key]!, 0);
  const has = (name: string) => stages.some((stage) => stage.name === name);
  const now = stages[stages.length - 1]!.name;
  const most = greatest(steps.values.data);
  const column = (name: string, title: string) =>
    has(name) && <th class={`figures ${now === name ? "now" : ""}`}>{title}</th>;
  const cell = (name: string, text: string) =>
    has(name) && <td class={`figures ${now === name ? "now" : ""}`}>{text}</td>;
  return (
    <table class="keys">
      <thead>
        <tr>
          <th>key</th>
          {column("score", "q·k")}
          {column("scale", "scaled")}
          {column("softcap", "capped")}
          {column("mask", "+ bias")}
          {has("softmax") && <th class={`weights ${now === "softmax" ? "now" : ""}`}>weight</th>}
          {has("output") && <th class={`values ${now === "output" ? "now" : ""}`}>value</th>}
        </tr>
      </thead>
      <tbody>
        {shown.map((key) => (
          <tr
            key={key}
            class={key === selected ? "here" : ""}
            aria-selected={key === selected}
            onClick={() => onSelect(key)}
          >
            <th scope="row">
              <Label text={plain(steps.sides.keys[key]?.[1] ?? "")} />
            </th>
            {cell("score", number(steps.product.data[key]!))}
            {cell("scale", number(steps.scaled.data[key]!))}
            {cell("softcap", number(steps.logits.data[key]! - steps.bias.data[key]!))}
            {cell("mask", number(steps.bias.data[key]!))}
            {has("softmax") && (
              <td class={`weights ${now === "softmax" ? "now" : ""}`}>
                <i style={{ width: `${(100 * weights[key]!).toFixed(2)}%` }} />
                <span class="figures">{weight(weights[key]!)}</span>
              </td>
            )}
            {has("output") && (
              <td class="values">
                <Strip
                  label={`value of ${steps.sides.keys[key]?.[1]}`}
                  vector={rowOf(steps.values, key)}
                  most={most}
                  height={12}
                />
              </td>
            )}
          </tr>
        ))}
        {others.length > 0 && (
          <tr class="rest">
            <th scope="row">{others.length} more</th>
            {stages
              .filter(({ name }) => ["score", "scale", "softcap", "mask"].includes(name))
              .map(({ name }) => (
                <td key={name} />
              ))}
            {has("softmax") && (
              <td class="weights">
                <i style={{ width: `${(100 * rest).toFixed(2)}%` }} />
                <span class="figures">{weight(rest)}</span>
              </td>
            )}
            {has("output") && <td />}
          </tr>
        )}
      </tbody>
    </table>
  );
}

/** The keys with most weight, as they stand in the text, and the selected one. */
function strongest(visible: number[], weights: Float32Array, selected: number): number[] {
  const most = [...visible].sort((a, b) => weights[b]! - weights[a]!).slice(0, SHOWN);
  if (visible.includes(selected) && !most.includes(selected)) most[most.length - 1] = selected;
  return most.sort((a, b) => a - b);
}
