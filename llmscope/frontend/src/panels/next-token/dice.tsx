import { count } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import { nextToken as words } from "#words/next-token";
import { fill } from "../../words/fill";
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
        title={words.sampleOnceTitle}
      >
        {words.sampleOnce}
      </button>
      <button
        type="button"
        aria-pressed={draws.value !== null}
        title={words.sampleManyTitle}
        onClick={() =>
          (draws.value = draws.value
            ? null
            : Float64Array.from({ length: DRAWS }, Math.random).sort())
        }
      >
        {fill(words.sampleMany, { count: count(DRAWS) })}
      </button>
      <span class="figures lines" role="status">
        {u.value === null ? (
          <span class="muted">{words.sameNumber}</span>
        ) : (
          <>
            {u.value.toFixed(4)} →{" "}
            <b>
              <Label text={plain(label ?? "…")} />
            </b>
          </>
        )}
      </span>
    </div>
  );
}
