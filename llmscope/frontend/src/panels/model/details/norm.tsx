import type { NormBox } from "../../../protocol/model";
import { component, fourFigures } from "../../../ui/format";
import { model as words } from "#words/model";
import { fill } from "../../../words/fill";
import { Line, pointOf } from "./line";

/** A vector before, by its own statistics, times the weight, and after. */
export function Norm({ answer }: { answer: NormBox }) {
  const { mean, variance, rms, epsilon, weight, bias, offset } = answer;
  const size = rms ?? (variance === null ? null : Math.sqrt(variance + (epsilon ?? 0)));
  const statistics = [
    mean !== null && fill(words.mean, { mean: component(mean) }),
    size !== null && fill(rms === null ? words.deviation : words.rms, { size: fourFigures(size) }),
  ].filter(Boolean);
  return (
    <>
      <Line name={words.before} point={pointOf(answer.before)} />
      <p class="model-between">{statistics.join(" · ")}</p>
      <Line name={words.normalised} point={pointOf(answer.normalised)} />
      {weight && (
        <Line name={offset ? words.weightFromOne : words.weight} point={pointOf(weight)} note="" />
      )}
      {bias && <Line name={words.bias} point={pointOf(bias)} note="" />}
      <Line name={words.after} point={pointOf(answer.after)} />
    </>
  );
}
