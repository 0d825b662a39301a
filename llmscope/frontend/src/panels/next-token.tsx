import { scaleLog } from "d3-scale";
import type { Signal } from "@preact/signals";
import type { PanelProps } from "../app";
import { count, percent } from "../math/format";
import { type Outcome, cutBy } from "../math/sampling";
import type { NextToken as Next, Store } from "../store/store";
import { Label, plain } from "./label";

const ROWS = 10;
const NICE = [0.1, 0.25, 0.5, 1];

/** What follows the token in focus, before and after sampling settings. */
export function NextToken({ store }: PanelProps) {
  const model = store.model.value!;
  const next = store.next.value;
  const outcome = store.outcome.value;
  const masked = model.family === "masked";
  return (
    <section class="panel next-token" aria-label={masked ? "Token at the gap" : "Next token"}>
      <h3>
        {masked ? "Token" : "Next token"}{" "}
        {next && next.trace.kind === "self" && (
          <small>
            {masked ? "at" : "after"} “
            <Label text={plain(next.trace.tokens[next.position]?.[1] ?? "")} />”
          </small>
        )}
      </h3>
      {model.family === "encoder" ? (
        <p class="muted">
          This model has no language-model head: it turns a text into vectors and predicts no token.
        </p>
      ) : (
        <>
          <Sliders store={store} vocabulary={model.vocabulary} />
          <Stages vocabulary={model.vocabulary} outcome={outcome} store={store} />
          {next && outcome ? (
            <Bars next={next} outcome={outcome} store={store} />
          ) : (
            <p class="muted empty">Type a text to see what could follow.</p>
          )}
        </>
      )}
    </section>
  );
}

function Sliders({ store, vocabulary }: { store: Store; vocabulary: number }) {
  const { temperature, topK, topP, minP } = store.state;
  const log = scaleLog().domain([1, vocabulary]).range([0, 1]).clamp(true);
  const toK = (place: number) => {
    const k = Math.round(log.invert(place));
    return k >= vocabulary ? 0 : k;
  };
  const stepK = (by: number) => {
    const k = topK.value || vocabulary;
    const stepped = Math.max(1, k + by * Math.max(1, Math.round(k * 0.02)));
    topK.value = stepped >= vocabulary ? 0 : stepped;
  };
  const two = (value: number) => value.toFixed(2);
  return (
    <div class="sliders">
      <Slider
        name="temperature"
        value={temperature}
        max={2}
        reset={1}
        shown={temperature.value === 0 ? "greedy" : two(temperature.value)}
      />
      <Slider
        name="top-k"
        value={topK}
        max={1}
        reset={0}
        shown={topK.value === 0 ? "all" : count(topK.value)}
        toPlace={(k) => (k === 0 ? 1 : log(k))}
        fromPlace={toK}
        step={stepK}
      />
      <Slider
        name="top-p"
        value={topP}
        max={1}
        reset={1}
        shown={topP.value === 1 ? "all" : two(topP.value)}
      />
      <Slider
        name="min-p"
        value={minP}
        max={1}
        reset={0}
        shown={minP.value === 0 ? "off" : two(minP.value)}
      />
    </div>
  );
}

interface SliderProps {
  name: string;
  value: Signal<number>;
  max: number;
  reset: number;
  shown: string;
  toPlace?: (value: number) => number;
  fromPlace?: (place: number) => number;
  /** Steps by key, where equal steps of the slider aren't equal steps of the value. */
  step?: (by: number) => void;
}

function Slider({ name, value, max, reset, shown, toPlace, fromPlace, step }: SliderProps) {
  const place = toPlace ? toPlace(value.value) : value.value;
  const filled = `${(100 * Math.min(place, max)) / max}%`;
  const keys = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!by || !step) return;
    event.preventDefault();
    step(by);
  };
  return (
    <label class="slider">
      <span>{name}</span>
      <input
        type="range"
        min={0}
        max={max}
        step={toPlace ? "any" : 0.01}
        value={place}
        style={{ "--filled": filled }}
        aria-label={name}
        aria-valuetext={shown}
        title="Double click: back to the model's own"
        onInput={(event) => {
          const number = Number(event.currentTarget.value);
          value.value = fromPlace ? fromPlace(number) : number;
        }}
        onDblClick={() => (value.value = reset)}
        onKeyDown={keys}
      />
      <output>{shown}</output>
    </label>
  );
}

interface StagesProps {
  store: Store;
  vocabulary: number;
  outcome: Outcome | null;
}

function Stages({ store, vocabulary, outcome }: StagesProps) {
  const { minP } = store.state;
  const names = ["temperature", "top-k", "top-p", ...(minP.value > 0 ? ["min-p"] : [])];
  let kept = outcome?.probs.length ?? vocabulary;
  const cells = ["model", ...names].map((name) => {
    kept = outcome?.stages.find((stage) => stage.name === name)?.kept ?? kept;
    return [name, kept] as const;
  });
  return (
    <ul class="stages" aria-label="Tokens left after each stage">
      {cells.map(([name, left]) => (
        <li key={name}>
          <span>{name}</span>
          <b class="figures">{outcome ? count(left) : "–"}</b>
        </li>
      ))}
    </ul>
  );
}

function Bars({ next, outcome, store }: { next: Next; outcome: Outcome; store: Store }) {
  const { base } = next.sorted;
  const shown = Math.min(ROWS, base.length);
  const ranks = Array.from({ length: shown }, (_, rank) => rank);
  const largest = Math.max(base[0]!, outcome.probs[0]!);
  const full = NICE.find((nice) => largest <= nice) ?? 1;
  const rest = {
    base: Math.max(0, 1 - ranks.reduce((sum, rank) => sum + base[rank]!, 0)),
    probs:
      outcome.kept <= shown
        ? 0
        : Math.max(0, 1 - ranks.reduce((sum, rank) => sum + outcome.probs[rank]!, 0)),
    count: base.length - shown,
  };
  const editable =
    store.state.editable.value && next.position === next.trace.last && next.trace.kind === "self";
  const take = (rank: number) => store.edit(next.trace.text + (next.texts[rank] ?? ""));
  return (
    <>
      <div class="axis" aria-hidden="true">
        {[0, 0.5, 1].map((share) => (
          <span key={share} style={{ left: `${100 * share}%` }}>
            {share === 0 ? "0" : `${100 * share * full} %`}
          </span>
        ))}
      </div>
      <ol class="bars">
        {ranks.map((rank) => {
          const cut = cutBy(outcome, rank);
          const label = <Label text={next.labels[rank] ?? ""} />;
          return (
            <li key={rank} class={cut ? "cut" : ""}>
              {editable && next.texts[rank] ? (
                <button
                  type="button"
                  class="name"
                  title="Click to append it"
                  onClick={() => take(rank)}
                >
                  {label}
                </button>
              ) : (
                <span class="name">{label}</span>
              )}
              <Bar
                base={base[rank]!}
                final={outcome.probs[rank]!}
                full={full}
                note={cut && `cut by ${cut}`}
              />
              <span class="value" title={`${percent(base[rank]!)} before sampling settings`}>
                {percent(outcome.probs[rank]!)}
              </span>
            </li>
          );
        })}
        {rest.count > 0 && (
          <li class="rest">
            <span class="name">{count(rest.count)} more</span>
            <Bar base={rest.base} final={rest.probs} full={full} note={undefined} />
            <span class="value">{percent(rest.probs)}</span>
          </li>
        )}
      </ol>
      <p class="legend">
        <span>
          <i class="swatch grey" /> model <i class="swatch orange" /> after sampling settings
        </span>
        <span class="figures">entropy {outcome.entropy.toFixed(2)} bits</span>
      </p>
    </>
  );
}

interface BarProps {
  base: number;
  final: number;
  full: number;
  note: string | undefined;
}

function Bar({ base, final, full, note }: BarProps) {
  const width = (share: number) => `${Math.min(100, (100 * share) / full)}%`;
  return (
    <span class="bar">
      <i class="final" style={{ width: width(final) }} />
      <i class="base" style={{ width: width(base) }} />
      {note && <em>{note}</em>}
    </span>
  );
}
