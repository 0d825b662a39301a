import { useSignal } from "@preact/signals";
import type { RotaryBox, Turned } from "../../../protocol/model";
import { component, fourFigures } from "../../../ui/format";
import { clamp } from "../../../ui/scale";
import { model as words } from "#words/model";
import { fill } from "../../../words/fill";

const RIM = 46; // of a dial of 100
const FULL = 2 * Math.PI;

/** Queries and keys, turned pair by pair: one pair as a dial, and the angles of all. */
export function Rotary({ answer, position }: { answer: RotaryBox; position: number }) {
  const { angles, frequencies, query, key } = answer;
  const pairs = angles.data.length;
  const chosen = useSignal(0);
  const pair = clamp(chosen.value, 0, pairs - 1);
  const angle = angles.data[pair]!;
  return (
    <div class="model-rotary">
      <Dial name={words.query} turned={query} pair={pair} angle={angle} />
      <Dial name={words.key} turned={key} pair={pair} angle={angle} />
      <div class="model-side">
        <label class="model-pair">
          <span class="figures">{fill(words.pair, { pair, last: pairs - 1 })}</span>
          <input
            type="range"
            min={0}
            max={pairs - 1}
            value={pair}
            style={{ "--filled": `${(100 * pair) / Math.max(1, pairs - 1)}%` }}
            onInput={(event) => void (chosen.value = event.currentTarget.valueAsNumber)}
          />
        </label>
        <p class="figures">
          {fill(words.turned, {
            angle: fourFigures(angle),
            degrees: component((angle % FULL) * (360 / FULL)),
            position,
            frequency: fourFigures(frequencies.data[pair]!),
          })}
        </p>
        <div class="model-hands" role="img" aria-label={words.hands}>
          {Array.from(angles.data, (one, index) => (
            <svg
              key={index}
              viewBox="-50 -50 100 100"
              class={index === pair ? "here" : ""}
              onPointerEnter={() => void (chosen.value = index)}
            >
              <circle r={RIM} />
              <path d={`M0 0L${place(RIM, one)}`} />
            </svg>
          ))}
        </div>
      </div>
    </div>
  );
}

interface DialProps {
  name: string;
  turned: Turned;
  pair: number;
  angle: number;
}

/** Two numbers as a point, before and after it is turned. */
function Dial({ name, turned, pair, angle }: DialProps) {
  const of = ({ data }: Turned["before"]) => [data[2 * pair]!, data[2 * pair + 1]!] as const;
  const [before, after] = [of(turned.before), of(turned.after)];
  const size = Math.max(Math.hypot(...before), Math.hypot(...after)) || 1;
  const at = ([x, y]: readonly [number, number]) =>
    `${((RIM * x) / size).toFixed(2)} ${((-RIM * y) / size).toFixed(2)}`;
  const from = Math.atan2(before[1], before[0]);
  const turn = angle % FULL;
  const arc = `M${place(20, from)}A20 20 0 ${turn > Math.PI ? 1 : 0} 0 ${place(20, from + turn)}`;
  return (
    <figure class="model-dial">
      <svg viewBox="-50 -50 100 100" role="img" aria-label={name}>
        <circle r={RIM} />
        <path class="axis" d={`M${-RIM} 0H${RIM}M0 ${-RIM}V${RIM}`} />
        <path class="arc" d={arc} />
        <path class="before" d={`M0 0L${at(before)}`} />
        <path class="after" d={`M0 0L${at(after)}`} />
      </svg>
      <figcaption class="figures">
        <b>{name}</b>
        <small>
          ({before.map(component).join(", ")}) → ({after.map(component).join(", ")})
        </small>
      </figcaption>
    </figure>
  );
}

/** A point at an angle, counted as in mathematics. */
const place = (radius: number, angle: number): string =>
  `${(radius * Math.cos(angle)).toFixed(2)} ${(-radius * Math.sin(angle)).toFixed(2)}`;
