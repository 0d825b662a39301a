import { count } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import type { Signal } from "@preact/signals";

export const DRAWS = 1000;

interface DiceProps {
  u: Signal<number | null>;
  draws: Signal<Float64Array | null>;
  /** What the dice fell on; `null` until it is known. */
  label: string | null;
}

/** A random number that stays the same while the sliders move. */
export function Dice({ u, draws, label }: DiceProps) {
  return (
    <div class="dice">
      <button
        type="button"
        onClick={() => (u.value = Math.floor(Math.random() * 10_000) / 10_000)}
        title="Draw a random number, and the token that it falls on"
      >
        Sample once
      </button>
      <span class="figures lines" role="status">
        {u.value === null ? (
          <span class="muted">same number at any setting</span>
        ) : (
          <>
            {u.value.toFixed(4)} →{" "}
            <b>
              <Label text={plain(label ?? "…")} />
            </b>
          </>
        )}
      </span>
      <button
        type="button"
        aria-pressed={draws.value !== null}
        title="Compare 1,000 samples with the probabilities"
        onClick={() =>
          (draws.value = draws.value
            ? null
            : Float64Array.from({ length: DRAWS }, Math.random).sort())
        }
      >
        Sample {count(DRAWS)}×
      </button>
    </div>
  );
}
