import { useRef } from "preact/hooks";
import { useWidth } from "../../ui/use-width";
import type { Store } from "../../store/store";
import { useScale } from "../../ui/em";
import { count } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { stepsScale } from "../../ui/steps-axis";
import { training as words } from "#words/training";
import { fill } from "../../words/fill";
import { readingsAt } from "./readings";

const LEAP = 10; // steps
const PARTS = 10_000; // of the slider
const THUMB = 16; // pixels of what is dragged

interface SliderProps {
  store: Store;
  /** The steps from its left end to its right. */
  ends?: readonly [number, number];
}

/** A slider over the steps that are kept, with a tick at each. */
export function StepSlider({ store, ends }: SliderProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const scale = useScale();
  const training = store.training!;
  const steps = training.steps.value;
  const step = training.step.value;
  const between = ends ?? [steps[0]!, steps.at(-1)!];
  const place = stepsScale(between, training.axis.value, [0, PARTS]);
  const nearest = (value: number): number =>
    steps.reduce((best, one) =>
      Math.abs(place(one) - value) < Math.abs(place(best) - value) ? one : best,
    );
  const keys = onKeys("trainingSteps", {
    move: ({ down, right }) => training.move(right || -down),
    leap: ({ down, right }) => training.move(LEAP * (right || -down)),
    first: () => training.turn(steps[0]!),
    last: () => training.turn(steps.at(-1)!),
    play: () => training.play(),
  });
  const inset = (THUMB * scale) / 2;
  const at = (one: number) => inset + (place(one) / PARTS) * (width - 2 * inset);
  return (
    <div ref={box} class="step-slider">
      <svg class="ticks" width={width} height={6 * scale} aria-hidden="true">
        {width > 0 && (
          <path d={steps.map((one) => `M${at(one).toFixed(1)} 0v${6 * scale}`).join("")} />
        )}
      </svg>
      <input
        type="range"
        min={0}
        max={PARTS}
        step="any"
        value={place(step)}
        style={{ "--filled": `${place(step) / (PARTS / 100)}%` }}
        aria-label={words.slider}
        aria-valuetext={fill(words.value, {
          step: count(step),
          loss: readingsAt(training.current.value!, step),
        })}
        onKeyDown={keys}
        onInput={(event) => {
          training.turn(nearest(Number(event.currentTarget.value)));
          // Between two steps it stays where it is.
          event.currentTarget.value = String(place(training.step.peek()));
        }}
      />
    </div>
  );
}
