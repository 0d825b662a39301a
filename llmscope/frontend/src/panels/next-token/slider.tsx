import type { Signal } from "@preact/signals";
import { type Press, onKeys } from "../../ui/keys";
import { clamp } from "../../ui/scale";
import { nextToken as words } from "#words/next-token";

export interface SliderProps {
  name: string;
  value: Signal<number>;
  max: number;
  /** The value that changes nothing. */
  neutral: number;
  shown: string;
  /** Values whose places are marked. */
  marks?: readonly number[];
  /** Whether it cuts nothing, so that no part of the track is meant. */
  isOff?: boolean;
  disabled?: boolean;
  /** From a value to its place on the track and back, where the track isn't linear. */
  toPlace?: (value: number) => number;
  fromPlace?: (place: number) => number;
  /** The value one key press further; fine with Shift. */
  step: (value: number, by: 1 | -1, fine: boolean) => number;
}

export function Slider(props: SliderProps) {
  const { name, value, max, neutral, shown, marks = [], isOff, disabled } = props;
  const { toPlace = (one) => one, fromPlace, step } = props;
  const place = toPlace(value.value);
  const go = ({ down, right }: Press, fine: boolean) => {
    value.value = step(value.value, (right || -down) as 1 | -1, fine);
  };
  const keys = onKeys("slider", {
    move: (press) => go(press, false),
    fine: (press) => go(press, true),
  });
  return (
    <label class="slider">
      <span>{name}</span>
      <input
        type="range"
        min={0}
        max={max}
        step="any"
        value={Math.min(place, max)}
        disabled={disabled}
        class={isOff ? "off" : ""}
        style={{
          "--filled": `${(100 * Math.min(place, max)) / max}%`,
          ...Object.fromEntries(marks.map((mark, at) => [`--mark-${at}`, toPlace(mark) / max])),
        }}
        aria-label={name}
        aria-valuetext={shown}
        title={words.sliderTitle}
        onInput={(event) => {
          const number = Number(event.currentTarget.value);
          value.value = fromPlace ? fromPlace(number) : Math.round(number * 100) / 100;
        }}
        onDblClick={() => (value.value = neutral)}
        onKeyDown={keys}
      />
      <output>{shown}</output>
    </label>
  );
}

/** Steps of a hundredth, finely of a thousandth, between 0 and `max`. */
export const byHundredths =
  (max: number) =>
  (value: number, by: 1 | -1, fine: boolean): number => {
    const next = value + by * (fine ? 0.001 : 0.01);
    return Math.round(clamp(next, 0, max) * 1000) / 1000;
  };
