import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Steps as Shown } from "../../../store/attention/types";
import type { Store } from "../../../store/store";
import { useScale } from "../../../ui/em";
import { onKeys } from "../../../ui/keys";
import { clamp } from "../../../ui/scale";
import { strongest } from "../../../ui/strongest";
import { common } from "#words/common";
import { steps as words } from "#words/steps";
import { Keys } from "./keys";
import { stagesOf } from "./stages";
import { Product, Results } from "./vectors";

const PACE = 2200; // ms a step, when it plays

interface StepsProps {
  store: Store;
  /** Whether it is to have the keys once it is there. */
  takesKeys: { current: boolean };
}

/** How one head comes to the output of one token: each number is the model's own. */
export function Steps({ store, takesKeys }: StepsProps) {
  const root = useRef<HTMLDivElement>(null);
  const { attention } = store;
  const steps = attention.steps.value;
  const isPlaying = useSignal(false);
  const isStage = useScale() > 1;
  const isHere = steps !== null && steps.trace.tokens.length > 0;
  const [size = 0] = steps?.query.shape ?? [];
  const heads = attention.layers.value.find(([layer]) => layer === steps?.layer)?.[1] ?? 1;
  const stages = isHere ? stagesOf(steps, size, heads) : [];
  const at = Math.min(attention.stage.value, Math.max(0, stages.length - 1));
  const go = (to: number) => void (attention.stage.value = clamp(to, 0, stages.length - 1));
  useEffect(() => {
    if (!takesKeys.current || !root.current) return;
    root.current.focus({ preventScroll: true });
    takesKeys.current = false;
  });
  useEffect(() => {
    if (!isPlaying.value) return;
    const timer = setTimeout(() => {
      if (at >= stages.length - 1) isPlaying.value = false;
      else go(at + 1);
    }, PACE);
    return () => clearTimeout(timer);
  }, [isPlaying.value, at, stages.length]);
  if (!isHere) return <p class="muted empty">{store.problem.value ? "" : words.reading}</p>;

  const chosen = attention.cell.value?.query === steps.at ? attention.cell.value.key : null;
  const key = chosen ?? strongest(steps.weights.data as Float32Array);
  const select = (to: number) => {
    const inside = Math.min(steps.at, steps.sides.keys.length - 1);
    const last = steps.kind === "self" ? inside : steps.sides.keys.length - 1;
    attention.cell.value = { query: steps.at, key: clamp(to, 0, last) };
  };
  const play = () => {
    if (at === stages.length - 1) go(0);
    isPlaying.value = !isPlaying.value;
  };
  const keysDown = onKeys("steps", {
    move({ down, right }) {
      isPlaying.value = false;
      if (right) go(at + right);
      else select(key + down);
    },
    first: () => go(0),
    last: () => go(stages.length - 1),
    play: ({ event }) => (event.target === event.currentTarget ? play() : false),
  });
  const product = <Product steps={steps} at={key} />;
  const results = <Results steps={steps} stages={stages} at={at} heads={heads} />;
  // On a stage the results come in the place of the products that led to them.
  const isResult = at >= stages.findIndex(({ name }) => name === "output");
  return (
    <div
      ref={root}
      class="steps"
      role="application"
      tabIndex={0}
      aria-label={words.label}
      onKeyDown={keysDown}
    >
      <nav class="walk" aria-label={words.title}>
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
        <span class="right" data-tool>
          <button
            type="button"
            disabled={at === 0}
            onClick={() => go(at - 1)}
            aria-label={words.back}
          >
            ‹
          </button>
          <button type="button" onClick={play}>
            {isPlaying.value ? common.pause : common.play}
          </button>
          <button
            type="button"
            disabled={at === stages.length - 1}
            onClick={() => go(at + 1)}
            aria-label={words.next}
          >
            ›
          </button>
        </span>
      </nav>
      <div class="explain stack" role="status">
        {stages.map((stage, index) => (
          <p key={stage.name} class={index === at ? "" : "unseen"}>
            <span class="formula" dangerouslySetInnerHTML={{ __html: stage.formula }} />
            <span>{stage.text}</span>
          </p>
        ))}
      </div>
      {isStage ? (
        <div class="stack">
          <div class={isResult ? "unseen" : ""}>{product}</div>
          <div class={isResult ? "" : "unseen"}>{results}</div>
        </div>
      ) : (
        product
      )}
      <Keys steps={steps} stages={stages} at={at} selected={key} onSelect={select} />
      {!isStage && results}
      <Features steps={steps} />
    </div>
  );
}

/** What is particular to this model's attention. */
function Features({ steps }: { steps: Shown }) {
  if (steps.features.length === 0) return null;
  return (
    <ul class="features list extra">
      {steps.features.map(({ name, text }) => (
        <li key={name}>
          <b>{name}</b> {text}
        </li>
      ))}
    </ul>
  );
}
