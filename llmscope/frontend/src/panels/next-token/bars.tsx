import type { Order } from "../../protocol/shared";
import { type Outcome, type StageName, cutBy, probOf } from "../../sampling/sampling";
import type { NextToken } from "../../store/state";
import { count, percent, points, rounded } from "../../ui/format";
import { useScale } from "../../ui/em";
import { Label, plain } from "../../ui/label";
import { type Cell, useRows } from "../../ui/rove";
import { clamp, linearScale, logScale } from "../../ui/scale";
import { nextToken as words } from "#words/next-token";
import { choose, fill } from "../../words/fill";
import type { BesideWords } from "./beside";

export const ROWS = 10;
export const FEW_ROWS = 5; // on a stage
export const NICE = [0.1, 0.25, 0.5, 1];
export const LEAST = 1e-6; // where a logarithmic axis begins

export const tickText = (tick: number): string =>
  tick === LEAST ? "10⁻⁴ %" : tick === 0 ? "0" : `${100 * tick} %`;

export interface Pin {
  id: number;
  label: string;
}

interface BarsProps {
  next: NextToken;
  outcome: Outcome;
  log: boolean;
  /** Whether bars go from 0 to 1 whatever they are, to be compared. */
  fixed: boolean;
  /** Whether nothing was done to the model's own probabilities: there is no before and after. */
  isPlain: boolean;
  /** The same without edits, or in the other of two, after sampling; `null` where there is none. */
  untouched: ((place: number) => number) | null;
  /** What that is called. */
  words: BesideWords;
  /** Whether the change by edits is shown in place of the probability. */
  isDifference: boolean;
  pins: Pin[];
  /** The rank that the dice fell on. */
  fallen: number | null;
  /** How often each rank was drawn, and of how many. */
  draws: { counts: Uint32Array; of: number } | null;
  /** What other engines would do with the same settings. */
  others: { order: Order; outcome: Outcome }[];
  /** The rank whose arithmetic is shown. */
  picked: number | null;
  /** The token that stands in the text. */
  actual: number | null;
  onPick: (rank: number) => void;
  onTake: ((rank: number) => void) | null;
  /** Whether what is taken goes into a gap. */
  fillsGaps: boolean;
  onUnpin: (id: number) => void;
}

/** The likeliest tokens before and after, the pinned ones, and everything else: they add up to 1. */
export function Bars(props: BarsProps) {
  const { next, outcome, log, fixed, isPlain, untouched, pins, onUnpin } = props;
  const { base, rank } = next.sorted;
  const shown = Math.min(useScale() > 1 ? FEW_ROWS : ROWS, base.length);
  const ranks = Array.from({ length: shown }, (_, place) => place);
  const pinned = pins
    .map(({ id, label }) => ({ id, label, place: rank[id]! }))
    .filter(({ place }) => place >= shown);
  const all = [...ranks, ...pinned.map(({ place }) => place)];
  /** The sum of what no row shows, from the smallest up: 1 minus the rows would be rounding. */
  const share = (of: Float64Array) => {
    const holes = pinned
      .map(({ place }) => place)
      .filter((place) => place < of.length)
      .sort((a, b) => a - b);
    let hole = holes.pop() ?? -1;
    let sum = 0;
    for (let place = of.length - 1; place >= shown; place--) {
      if (place === hole) hole = holes.pop() ?? -1;
      else sum += of[place]!;
    }
    return sum;
  };
  const rest = share(outcome.probs);
  const most = Math.max(
    base[0]!,
    probOf(outcome, outcome.first),
    ...(untouched ? all.map(untouched) : []),
  );
  const full = fixed ? 1 : (NICE.find((nice) => most <= nice) ?? 1);
  const scale = log ? logScale([LEAST, 1], [0, 100]) : linearScale([0, full], [0, 100]);
  const width = (value: number) => `${value > 0 ? clamp(scale(value), 0, 100) : 0}%`;
  const rows = useRows(all.length);
  const ticks = log ? [LEAST, 1e-3, 1] : [0, full / 2, full];
  return (
    <>
      <div class="axis" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick} style={{ left: `${scale(tick)}%` }}>
            {tickText(tick)}
          </span>
        ))}
      </div>
      <ol class="bars list" {...rows.list}>
        {ranks.map((place) => (
          <Line
            key={place}
            {...props}
            place={place}
            cell={(column) => rows.cell(place, column)}
            label={next.labels[place] ?? ""}
            width={width}
          />
        ))}
        {pinned.map(({ id, label, place }, index) => (
          <Line
            key={`pin${id}`}
            {...props}
            place={place}
            cell={(column) => rows.cell(shown + index, column)}
            label={label}
            width={width}
            unpin={() => onUnpin(id)}
          />
        ))}
        {base.length > all.length && (
          <li class="rest">
            <span class="name ellipsis">
              {fill(choose(words.others, base.length - all.length), {
                count: count(base.length - all.length),
              })}
            </span>
            <span class="bar">
              {untouched ? (
                <em>
                  {fill(props.words.share, {
                    share: rounded(Math.max(0, 1 - sum(all.map(untouched)))),
                  })}
                </em>
              ) : (
                !isPlain && <em>{fill(words.before, { share: rounded(share(base)) })}</em>
              )}
            </span>
            <span class="value" title={percent(rest)}>
              {untouched && props.isDifference
                ? points(sum(all.map(untouched)) - sum(all.map((place) => probOf(outcome, place))))
                : rounded(rest)}
            </span>
          </li>
        )}
      </ol>
    </>
  );
}

interface LineProps extends BarsProps {
  place: number;
  label: string;
  /** What a button of the row has, by its column. */
  cell: (column: number) => ReturnType<Cell>;
  width: (share: number) => string;
  unpin?: () => void;
}

function Line(props: LineProps) {
  const {
    next,
    outcome,
    place,
    label,
    width,
    unpin,
    fallen,
    draws,
    others,
    picked,
    onPick,
    onTake,
  } = props;
  const cut = cutBy(outcome, place);
  const { untouched } = props;
  const before = untouched ? untouched(place) : next.sorted.base[place]!;
  const after = probOf(outcome, place);
  const text = place < next.texts.length ? next.texts[place] : null;
  const isActual = next.sorted.order[place] === props.actual && place < next.known;
  const names = [cut && "cut", fallen === place && "fallen", isActual && "actually"];
  const shown = untouched && props.isDifference ? points(after - before) : rounded(after);
  const drawn = draws ? draws.counts[place]! / draws.of : null;
  return (
    <li class={names.filter(Boolean).join(" ")}>
      {onTake && text ? (
        <button
          type="button"
          class="name ellipsis"
          {...props.cell(0)}
          title={props.fillsGaps ? words.fillGap : words.append}
          onClick={() => onTake(place)}
        >
          <Label text={label} />
        </button>
      ) : (
        <span class="name ellipsis">
          <Label text={label} />
          {unpin && (
            <button
              type="button"
              class="unpin"
              aria-label={fill(words.unpin, { token: label })}
              onClick={unpin}
            >
              ×
            </button>
          )}
        </span>
      )}
      <span class="bar">
        <i class="final" style={{ width: width(after) }} />
        {(untouched || !props.isPlain) && <i class="base" style={{ width: width(before) }} />}
        {drawn !== null && !cut && <i class="drawn" style={{ left: width(drawn) }} />}
        {cut && (
          <em>
            {[fill(words.cutBy, { stage: words.settings[cut] }), ...fates(cut, place, others)].join(
              " · ",
            )}
          </em>
        )}
        {!cut && others.length > 0 && (
          <em class="other">{fates(cut, place, others).join(" · ")}</em>
        )}
      </span>
      <button
        type="button"
        class="value"
        {...props.cell(1)}
        aria-label={fill(words.valueLabel, { token: plain(label), share: shown })}
        aria-pressed={picked === place}
        title={fill(titleOf(props), { share: percent(after), before: percent(before) })}
        onClick={() => onPick(place)}
      >
        {shown}
      </button>
    </li>
  );
}

const sum = (of: readonly number[]): number => of.reduce((total, one) => total + one, 0);

/** In words, which engines decide otherwise about a token. */
function fates(cut: StageName | undefined, place: number, others: LineProps["others"]): string[] {
  return others
    .filter(({ outcome }) => !cut !== !cutBy(outcome, place))
    .map(({ order }) => fill(cut ? words.keptBy : words.cutByOther, { engine: order }));
}

/** What the button of a probability says on hover. */
function titleOf({ untouched, isDifference, isPlain, words: own }: LineProps): string {
  if (untouched) return isDifference ? own.changed : own.value;
  return isPlain ? words.value : words.valueBefore;
}
