import { SIDES } from "../../protocol/shared";
import { count } from "../../ui/format";
import { Segmented } from "../../ui/segmented";
import { training as words } from "#words/training";
import { fill } from "../../words/fill";
import type { PanelProps } from "../props";

/** Holds a step; and of the two what is shown. */
export function Held({ store }: PanelProps) {
  const training = store.training!;
  const held = training.held.value;
  const runs = training.answer.value!.runs;
  const heldText =
    held &&
    (held.run === training.run.value
      ? count(held.step)
      : fill(words.heldOf, { step: count(held.step), run: runs[held.run]!.name }));
  return (
    <span class="right held">
      <span class={`sides ${held ? "" : "unseen"}`} title={words.sidesTitle}>
        <Segmented
          label={words.sides}
          options={SIDES}
          names={{
            edited: fill(words.side.edited, { step: count(training.step.value) }),
            untouched: fill(words.side.untouched, { step: heldText ?? words.none }),
            difference: words.side.difference,
          }}
          value={training.side.value}
          onPick={(side) => (store.state.side.value = side)}
        />
      </span>
      <button
        type="button"
        class="one-line"
        aria-pressed={held !== null}
        title={held ? words.release : words.holdTitle}
        onClick={() => training.hold()}
      >
        {words.hold}
      </button>
    </span>
  );
}
