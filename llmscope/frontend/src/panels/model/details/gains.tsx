import type { Gains } from "../../../protocol/model";
import { component } from "../../../ui/format";
import { Label } from "../../../ui/label";

/** Tokens beside each other, with what is added to their logits on hover. */
export function Chips({ gains, count }: { gains: Gains | undefined; count: number }) {
  return (
    <span class="model-chips">
      {gains?.labels.slice(0, count).map((label, index) => (
        <span key={index} title={signed(gains.gains.data[index]!)}>
          <Label text={label} />
        </span>
      ))}
    </span>
  );
}

interface GainListProps {
  title: string;
  gains: Gains;
  count: number;
}

/** Tokens below each other, with bars of what is added to their logits. */
export function GainList({ title, gains, count }: GainListProps) {
  const most = Math.max(...Array.from(gains.gains.data, Math.abs)) || 1;
  return (
    <div class="model-gains figures">
      <b>{title}</b>
      {gains.labels.slice(0, count).map((label, index) => {
        const gain = gains.gains.data[index]!;
        return (
          <span key={index}>
            <span class="ellipsis">
              <Label text={label} />
            </span>
            <i class={gain < 0 ? "below" : ""} style={{ "--share": Math.abs(gain) / most }} />
            <small>{signed(gain)}</small>
          </span>
        );
      })}
    </div>
  );
}

export const signed = (value: number): string => (value > 0 ? "+" : "") + component(value);
