import type { Steps } from "../../../store/attention/types";
import { useScale } from "../../../ui/em";
import { component, weight } from "../../../ui/format";
import { Label, plain } from "../../../ui/label";
import { Strip, greatest } from "../../../ui/strip";
import { steps as words } from "#words/steps";
import { choose, fill } from "../../../words/fill";
import type { Stage, StageName } from "./stages";
import { rowOf } from "./vectors";

const SHOWN = 16;
const FEW = 3; // on a stage
const BAR = 60; // percent of the column; the number has the rest

interface KeysProps {
  steps: Steps;
  stages: Stage[];
  /** The step that is reached. */
  at: number;
  selected: number;
  onSelect: (key: number) => void;
}

const TITLES: Partial<Record<StageName, string>> = words.columns;

/** A row for each key: its numbers, as far as the steps have come. */
export function Keys({ steps, stages, at, selected, onSelect }: KeysProps) {
  const weights = steps.weights.data as Float32Array;
  const hidden = steps.hidden.data as Uint8Array;
  const visible = Array.from(weights.keys()).filter((key) => hidden[key] === 0);
  const shown = mostOf(visible, weights, selected, useScale() > 1 ? FEW : SHOWN);
  const others = visible.filter((key) => !shown.includes(key));
  const rest = others.reduce((sum, key) => sum + weights[key]!, 0);
  const unseen = weights.length - visible.length;
  const most = greatest(steps.values.data);
  // What hides nothing and adds nothing is said once, not once a key.
  const isIdle = unseen === 0 && (steps.bias.data as Float32Array).every((bias) => bias === 0);
  const columns = stages.flatMap(({ name }, index) =>
    TITLES[name] ? [{ name, title: TITLES[name], index }] : [],
  );
  const look = (name: StageName, index: number) =>
    `${name} ${index > at ? "later" : ""} ${index === at ? "now" : ""}`;
  const cells: Partial<Record<StageName, (key: number) => preact.ComponentChildren>> = {
    score: (key) => component(steps.product.data[key]!),
    scale: (key) => component(steps.product.data[key]! * (steps.scale ?? 1)),
    softcap: (key) => component(steps.scaled.data[key]!),
    mask: (key) => `+ ${component(steps.bias.data[key]!)}`,
    softmax: (key) => <Share of={weights[key]!} />,
    output: (key) => (
      <Strip
        label={fill(words.valueOf, { token: steps.sides.keys[key]?.label ?? "" })}
        vector={rowOf(steps.values, key)}
        most={most}
        height={12}
      />
    ),
  };
  const row = (
    name: string,
    content: (name: StageName) => preact.ComponentChildren,
    kind = "rest",
  ) => (
    <tr class={kind}>
      <th scope="row">{name}</th>
      {columns.map(({ name: column, index }) => (
        <td key={column} class={look(column, index)}>
          <div>{content(column)}</div>
        </td>
      ))}
    </tr>
  );
  return (
    <table class="keys figures">
      <thead>
        <tr>
          <th>{words.key}</th>
          {columns.map(({ name, title, index }) => (
            <th key={name} class={look(name, index)}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {shown.map((key, place) => (
          <tr
            key={key}
            class={key === selected ? "here" : ""}
            aria-selected={key === selected}
            onClick={() => onSelect(key)}
          >
            <th scope="row">
              <Label text={plain(steps.sides.keys[key]?.label ?? "")} />
            </th>
            {columns.map(({ name, index }) => {
              const isOnce = name === "mask" && isIdle;
              if (isOnce && place > 0) return null;
              return (
                <td
                  key={name}
                  class={`${look(name, index)} ${isOnce ? "once" : ""}`}
                  rowSpan={isOnce ? shown.length : 1}
                >
                  <div>{isOnce ? words.hidesNothing : cells[name]!(key)}</div>
                </td>
              );
            })}
          </tr>
        ))}
        {others.length > 0 &&
          row(
            fill(choose(words.others, others.length), { count: others.length }),
            (name) => name === "softmax" && <Share of={rest} />,
          )}
        {unseen > 0 &&
          row(fill(words.hidden, { count: unseen }), (name) =>
            name === "mask" ? "− ∞" : name === "softmax" ? <Share of={0} /> : "",
          )}
      </tbody>
    </table>
  );
}

function Share({ of }: { of: number }) {
  return (
    <>
      <i style={{ width: `${(BAR * of).toFixed(2)}%` }} />
      <span>{weight(of)}</span>
    </>
  );
}

/** The keys with most weight, in the order of the text, and the selected one. */
function mostOf(
  visible: number[],
  weights: Float32Array,
  selected: number,
  count: number,
): number[] {
  const most = [...visible].sort((a, b) => weights[b]! - weights[a]!).slice(0, count);
  if (visible.includes(selected) && !most.includes(selected)) most[most.length - 1] = selected;
  return most.sort((a, b) => a - b);
}
