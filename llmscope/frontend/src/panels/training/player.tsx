import { SPEEDS } from "../../store/training";
import type { Store } from "../../store/store";
import { count } from "../../ui/format";
import { common } from "#words/common";
import { training as words } from "#words/training";
import { fill } from "../../words/fill";
import type { PanelProps } from "../props";
import { readingsAt } from "./readings";
import { StepSlider } from "./slider";

interface PlayerProps extends PanelProps {
  /** Whether there is no curve that has one below it. */
  hasSlider?: boolean;
}

/** Plays the steps, says which one is shown, and goes to the newest. */
export function Player({ store, hasSlider = false }: PlayerProps) {
  const training = store.training!;
  const isOn = training.isPlaying.value;
  return (
    <>
      <button
        type="button"
        class="play"
        aria-pressed={isOn}
        disabled={training.steps.value.length < 2}
        title={isOn ? words.pause : words.play}
        onClick={() => training.play()}
      >
        {isOn ? common.pause : common.play}
      </button>
      <select
        class="extra"
        aria-label={words.speed}
        value={training.speed.value}
        onChange={(event) => (training.speed.value = Number(event.currentTarget.value))}
      >
        {SPEEDS.map((speed) => (
          <option key={speed} value={speed}>
            {fill(words.speeds, { count: speed })}
          </option>
        ))}
      </select>
      {hasSlider && <StepSlider store={store} />}
      <button
        type="button"
        class="newest"
        aria-pressed={training.isNewest.value}
        title={words.newestTitle}
        onClick={() =>
          training.isNewest.peek() ? training.turn(training.step.peek()) : training.follow()
        }
      >
        {words.newest}
      </button>
      <output class="at lines">
        <b>{stepText(store)}</b>
        {!hasSlider && (
          <span class="muted"> {readingsAt(training.current.value!, training.step.value)}</span>
        )}
      </output>
    </>
  );
}

function stepText({ training }: Store): string {
  const { total } = training!.current.value!;
  const step = count(training!.step.value);
  return total === null
    ? fill(words.step, { step })
    : fill(words.stepOf, { step, total: count(total) });
}
