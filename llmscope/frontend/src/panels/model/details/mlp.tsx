import type { MlpBox } from "../../../protocol/model";
import { useScale } from "../../../ui/em";
import { component, count, rounded } from "../../../ui/format";
import { model as words } from "#words/model";
import { fill } from "../../../words/fill";
import { Chips, GainList } from "./gains";

const FEW = 7; // on a stage
const MANY = 8;

/** The neurons that give most, and what they write into the vocabulary. */
export function Mlp({ answer }: { answer: MlpBox }) {
  const { neurons, top, bottom, treatment } = answer;
  const shown = useScale() > 1 ? FEW : MANY;
  if (!neurons) return <p class="muted">{treatment}</p>;
  const most = Math.max(...Array.from(neurons.activation.data, Math.abs)) || 1;
  return (
    <div class="model-columns">
      <table class="model-neurons figures">
        <thead>
          <tr>
            <th>{words.neuron}</th>
            <th>{words.activation}</th>
            {neurons.writes && <th>{words.likelier}</th>}
            {neurons.drops && <th>{words.lessLikely}</th>}
          </tr>
        </thead>
        <tbody>
          {Array.from(neurons.index.data.slice(0, shown), (index, row) => {
            const activation = neurons.activation.data[row]!;
            return (
              <tr key={index}>
                <th scope="row">{count(index)}</th>
                <td class="bar" title={gateOf(answer, row)}>
                  <i
                    class={activation < 0 ? "below" : ""}
                    style={{ "--share": Math.abs(activation) / most }}
                  />
                  <span>{component(activation)}</span>
                </td>
                {neurons.writes && (
                  <td>
                    <Chips gains={neurons.writes[row]} count={4} />
                  </td>
                )}
                {neurons.drops && (
                  <td class="muted">
                    <Chips gains={neurons.drops[row]} count={3} />
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
      <div class="model-side">
        {top && <GainList title={words.together} gains={top} count={shown - 1} />}
        {bottom && !top && <GainList title={words.lessLikely} gains={bottom} count={shown} />}
        <p class="muted" title={treatment}>
          {fill(words.active, { share: rounded(answer.active), count: count(answer.count) })}
        </p>
      </div>
    </div>
  );
}

/** Of what an activation is made where a gate multiplies. */
function gateOf({ neurons }: MlpBox, row: number): string {
  const { gate, up } = neurons!;
  if (!gate || !up) return "";
  return fill(words.gated, { gate: component(gate.data[row]!), up: component(up.data[row]!) });
}
