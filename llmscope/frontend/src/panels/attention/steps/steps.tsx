import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Steps as Shown } from "../../../store/attention/state";
import type { Store } from "../../../store/store";
import { Label, plain } from "../../label";
import { strongest } from "../readout";
import { type Stage, stagesOf } from "./stages";
import { greatest, Strip } from "./strip";
import { Keys } from "./keys";

const PACE = 2200; // ms a step, when it plays

/** How one head comes to the output of one token: each number is the model's own. */
export function Steps({ store }: { store: Store }) {
  const { attention } = store;
  const steps = attention.steps.value;
  const isPlaying = useSignal(false);
  const isHere = steps !== null && steps.trace.tokens.length > 0;
  const [size = 0] = steps?.query.shape ?? [];
  const heads = attention.layers.value.find(([layer]) => layer === steps?.layer)?.[1] ?? 1;
  const stages = isHere ? stagesOf(steps, size, heads) : [];
  const at = Math.min(attention.stage.value, Math.max(0, stages.length - 1));
  const go = (to: number) => (attention.stage.value = Math.min(stages.length - 1, Math.max(0, to)));
  useEffect(() => {
    if (!isPlaying.value) return;
    const timer = setTimeout(() => {
      if (at >= stages.length - 1) isPlaying.value = false;
      else go(at + 1);
    }, PACE);
    return () => clearTimeout(timer);
  }, [isPlaying.value, at, stages.length]);
  if (!isHere) return <p class="muted empty">{store.problem.value ? "" : "Reading the head…"}</p>;

  const chosen = attention.cell.value?.query === steps.at ? attention.cell.value.key : null;
  const key = chosen ?? strongest(steps.weights.data as Float32Array);
  const select = (to: number) => {
    const inside = Math.min(steps.at, steps.sides.keys.length - 1);
    const last = steps.kind === "self" ? inside : steps.sides.keys.length - 1;
    attention.cell.value = { query: steps.at, key: Math.min(last, Math.max(0, to)) };
  };
  const play = () => {
    if (at === stages.length - 1) go(0);
    isPlaying.value = !isPlaying.value;
  };
  const keysDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowRight") go(at + 1);
    else if (event.key === "ArrowLeft") go(at - 1);
    else if (event.key === "ArrowDown") select(key + 1);
    else if (event.key === "ArrowUp") select(key - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(stages.length - 1);
    else if (event.key === " " && event.target === event.currentTarget) play();
    else return;
    if (event.key.startsWith("Arrow")) isPlaying.value = false;
    event.preventDefault();
  };
  const stage = stages[at]!;
  return (
    <div
      class="steps"
      role="application"
      tabIndex={0}
      aria-label="Attention step by step. Left and right go through the steps, up and down through the keys, Space plays."
      onKeyDown={keysDown}
    >
      <nav class="stages" aria-label="Steps">
        {stages.map(({ name, title }, index) => (
          <button
            key={name}
            type="button"
            class={index <= at ? "done" : ""}
            aria-current={index === at ? "step" : undefined}
            onClick={() => go(index)}
          >
            {title}
          </button>
        ))}
        <span class="right">
          <button type="button" disabled={at === 0} onClick={() => go(at - 1)} aria-label="Back">
            ‹
          </button>
          <button type="button" onClick={play}>
            {isPlaying.value ? "Pause" : "Play"}
          </button>
          <button
            type="button"
            disabled={at === stages.length - 1}
            onClick={() => go(at + 1)}
            aria-label="Next"
          >
            ›
          </button>
        </span>
      </nav>
      <div class="explain" role="status">
        <span class="formula" dangerouslySetInnerHTML={{ __html: stage.formula }} />
        <span>{stage.text}</span>
      </div>
      <Product steps={steps} at={key} />
      <Keys steps={steps} stages={stages.slice(0, at + 1)} selected={key} onSelect={select} />
      <Results steps={steps} stages={stages.slice(0, at + 1)} heads={heads} />
      <Features steps={steps} />
    </div>
  );
}

/** Query, one key and their product, number by number. */
function Product({ steps, at }: { steps: Shown; at: number }) {
  const query = steps.query.data as Float32Array;
  const key = rowOf(steps.keys, at);
  const product = query.map((value, d) => value * key[d]!);
  const { queries, keys } = steps.sides;
  const most = greatest(query, key);
  const row = (name: string, token: string, vector: Float32Array, scale: number, end: string) => (
    <>
      <span class="vector">
        <i>{name}</i> <Label text={token} />
      </span>
      <Strip label={name} vector={vector} most={scale} height={14} />
      <span class="figures">{end}</span>
    </>
  );
  return (
    <div class="vectors">
      {row("q", plain(queries[steps.at]?.[1] ?? ""), query, most, `± ${most.toPrecision(2)}`)}
      {row("k", plain(keys[at]?.[1] ?? ""), key, most, "")}
      {row("q∘k", "", product, greatest(product), `Σ ${number(steps.product.data[at]!)}`)}
    </div>
  );
}

interface ResultsProps {
  steps: Shown;
  stages: Stage[];
  heads: number;
}

/** The output of the head, of all heads, and of the module. */
function Results({ steps, stages, heads }: ResultsProps) {
  const has = (name: string) => stages.some((stage) => stage.name === name);
  const { output, concat, projected, contribution, names } = steps;
  const one = concat.shape[0]! / heads;
  const rows = [
    has("output") && { name: "o", text: "this head", vector: output.data },
    has("concat") && {
      name: "o₁…",
      text: "all heads",
      vector: concat.data,
      part: [steps.head * one, one] as [number, number],
    },
    has("project") && contribution && { name: "", text: "of this head", vector: contribution.data },
    has("project") && { name: "y", text: names.projection ?? "module", vector: projected.data },
  ].filter((row) => row !== false && row !== null);
  if (rows.length === 0) return null;
  return (
    <div class="vectors results">
      {rows.map(({ name, text, vector, ...rest }) => {
        const most = greatest(vector);
        return (
          <>
            <span class="vector">
              <i>{name}</i> {text}
            </span>
            <Strip label={`${name} ${text}`} vector={vector} most={most} height={14} {...rest} />
            <span class="figures">
              {vector.length} · ± {most.toPrecision(2)}
            </span>
          </>
        );
      })}
    </div>
  );
}

/** What is particular to this model's attention. */
function Features({ steps }: { steps: Shown }) {
  if (steps.features.length === 0) return null;
  return (
    <ul class="features">
      {steps.features.map(({ name, text }) => (
        <li key={name}>
          <b>{name}</b> {text}
        </li>
      ))}
    </ul>
  );
}

export const number = (value: number): string =>
  Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 0.01)
    ? value.toExponential(1)
    : value.toFixed(2);

export function rowOf({ data, shape }: Shown["keys"], row: number): Float32Array {
  const size = shape[1]!;
  return (data as Float32Array).subarray(row * size, (row + 1) * size);
}
