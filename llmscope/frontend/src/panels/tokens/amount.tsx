import type { Edit } from "../../protocol/edits";
import type { Store } from "../../store/store";
import { setting } from "../../ui/format";
import { type Press, onKeys } from "../../ui/keys";
import { clamp } from "../../ui/scale";
import { edits as words } from "#words/edits";
import { fill } from "../../words/fill";

const ENDS = { steer: [-10, 10], scale: [-2, 4] } as const;

interface AmountProps {
  store: Store;
  edit: Edit;
  index: number;
  /** What it is of. */
  name: string;
}

/** The scale of steering, or the factor of a head, to be dragged while all panels follow. */
export function Amount({ store, edit, index, name }: AmountProps) {
  const { amounts } = store.whatIf;
  const value = amounts.of(index) ?? 0;
  const [low, high] = ENDS[edit.do as keyof typeof ENDS];
  const [least, most] = [Math.min(low, Math.floor(value)), Math.max(high, Math.ceil(value))];
  const set = (amount: number) => amounts.set(index, Math.round(amount * 100) / 100);
  const go = ({ down, right }: Press, step: number) =>
    set(clamp(value + (right || -down) * step, least, most));
  const keys = onKeys("amount", {
    move: (press) => go(press, 0.1),
    fine: (press) => go(press, 0.01),
  });
  return (
    <input
      type="range"
      min={least}
      max={most}
      step="any"
      value={value}
      style={{ "--filled": `${(100 * (value - least)) / (most - least)}%` }}
      aria-label={fill(words.amount, { edit: name })}
      aria-valuetext={setting(value)}
      title={words.amountTitle}
      onInput={(event) => set(Math.round(Number(event.currentTarget.value) * 10) / 10)}
      onChange={() => amounts.flush()}
      onKeyDown={keys}
    />
  );
}
