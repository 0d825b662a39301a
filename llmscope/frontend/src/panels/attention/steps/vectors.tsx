import type { Steps as Shown } from "../../../store/attention/types";
import { component } from "../../../ui/format";
import { Label, plain } from "../../../ui/label";
import { Strip, greatest } from "../../../ui/strip";
import { steps as words } from "#words/steps";
import type { Stage } from "./stages";

/** Query, one key and their product, number by number. */
export function Product({ steps, at }: { steps: Shown; at: number }) {
  const query = steps.query.data as Float32Array;
  const key = rowOf(steps.keys, at);
  const product = query.map((value, d) => value * key[d]!);
  const { queries, keys } = steps.sides;
  const most = greatest(query, key);
  const row = (name: string, token: string, vector: Float32Array, scale: number, end: string) => (
    <div class="line">
      <span class="vector ellipsis">
        <i>{name}</i> <Label text={token} />
      </span>
      <Strip label={name} vector={vector} most={scale} height={14} />
      <span class="figures">{end}</span>
    </div>
  );
  return (
    <div class="vectors">
      {row("q", plain(queries[steps.at]?.label ?? ""), query, most, `± ${component(most)}`)}
      {row("k", plain(keys[at]?.label ?? ""), key, most, "")}
      {row("q∘k", "", product, greatest(product), `Σ ${component(steps.product.data[at]!)}`)}
      <p class="signs">
        <i class="swatch" /> {words.signs.above} <i class="swatch below" /> {words.signs.below} ·{" "}
        {words.signs.depth}
      </p>
    </div>
  );
}

interface ResultsProps {
  steps: Shown;
  stages: Stage[];
  /** The step that is reached. */
  at: number;
  heads: number;
}

/** The output of the head, of all heads, and of the module. */
export function Results({ steps, stages, at, heads }: ResultsProps) {
  const { output, concat, projected, contribution, names } = steps;
  const one = concat.shape[0]! / heads;
  const part: [number, number] = [steps.head * one, one];
  const rows = [
    { stage: "output", name: "o", text: words.thisHead, vector: output.data },
    { stage: "concat", name: "o₁…", text: words.allHeads, vector: concat.data, part },
    { stage: "project", name: "", text: words.fromThisHead, vector: contribution?.data },
    { stage: "project", name: "y", text: names.projection ?? words.module, vector: projected.data },
  ];
  const isLater = (name: string) => stages.findIndex((stage) => stage.name === name) > at;
  return (
    <div class="vectors results">
      {rows.map(({ stage, name, text, vector, ...rest }) => {
        if (!vector) return null;
        const most = greatest(vector);
        const later = isLater(stage) ? "later" : "";
        return (
          <div key={name + text} class={`line ${later}`}>
            <span class="vector ellipsis">
              <i>{name}</i> {text}
            </span>
            <Strip label={`${name} ${text}`} vector={vector} most={most} height={14} {...rest} />
            <span class="figures">
              {vector.length} · ± {component(most)}
            </span>
          </div>
        );
      })}
    </div>
  );
}

export function rowOf({ data, shape }: Shown["keys"], row: number): Float32Array {
  const size = shape[1]!;
  return (data as Float32Array).subarray(row * size, (row + 1) * size);
}
