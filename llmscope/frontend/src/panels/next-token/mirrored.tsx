import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { type Outcome, cutBy, probOf } from "../../sampling/sampling";
import type { NextToken } from "../../store/state";
import type { Store } from "../../store/store";
import { useScale } from "../../ui/em";
import { bits, count, percent, points, rounded } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import { useRows } from "../../ui/rove";
import { clamp, linearScale, logScale } from "../../ui/scale";
import { compare as words } from "#words/compare";
import type { training } from "#words/training";
import { nextToken as common } from "#words/next-token";
import { choose, fill, rich } from "../../words/fill";
import { FEW_ROWS, LEAST, NICE, type Pin, ROWS, tickText } from "./bars";
import { type BesideOutcome, apart, wordsOfTwo } from "./beside";

interface MirroredProps {
  store: Store;
  next: NextToken;
  outcome: Outcome;
  beside: BesideOutcome;
  log: boolean;
  fixed: boolean;
  isPlain: boolean;
  pins: Pin[];
  picked: number | null;
  fallen: number | null;
  onPick: (rank: number) => void;
  onTake: ((rank: number) => void) | null;
  onUnpin: (id: number) => void;
}

/** A token that either finds likely, by its rank in A and in B. */
interface Candidate {
  label: string;
  a: number;
  b: number;
  pin?: number;
}

/** The likeliest tokens of either: A to the right, B to the left. */
export function Mirrored(props: MirroredProps) {
  const { next, outcome, beside, log, fixed, isPlain, pins, picked, fallen } = props;
  const words = wordsOfTwo(props.store);
  const { next: other, outcome: theirs } = beside;
  const shown = Math.min(useScale() > 1 ? FEW_ROWS : ROWS, next.sorted.order.length);
  const all = candidates(next, other, shown, pins);
  const probs = all.map(({ a, b }) => [probOf(outcome, a), probOf(theirs, b)] as const);
  const most = Math.max(
    next.sorted.base[0]!,
    other.sorted.base[0]!,
    ...[outcome, theirs].map((one) => probOf(one, one.first)),
  );
  const full = fixed ? 1 : (NICE.find((nice) => most <= nice) ?? 1);
  const scale = log ? logScale([LEAST, 1], [0, 100]) : linearScale([0, full], [0, 100]);
  const width = (value: number) => `${value > 0 ? clamp(scale(value), 0, 100) : 0}%`;
  const rest = [0, 1].map((side) =>
    Math.max(0, 1 - probs.reduce((sum, pair) => sum + pair[side]!, 0)),
  );
  const left = next.sorted.order.length - all.length;
  const rows = useRows(all.length);
  const bar = (one: NextToken, made: Outcome, rank: number) => (
    <span class="bar">
      <i class="final" style={{ width: width(probOf(made, rank)) }} />
      {!isPlain && <i class="base" style={{ width: width(one.sorted.base[rank]!) }} />}
    </span>
  );
  return (
    <>
      <TwoAxes ticks={log ? [LEAST, 1] : [0, full]} names={words.sides} />
      <ol class="bars list two" {...rows.list}>
        {all.map(({ label, a, b, pin }, index) => {
          const [here, there] = probs[index]!;
          const isCut = cutBy(outcome, a) && cutBy(theirs, b) ? "cut" : "";
          const title = titleOf(words.value, here, there);
          const take = a < next.texts.length && next.texts[a] ? props.onTake : null;
          return (
            <li key={pin ?? index} class={`${isCut} ${fallen === a ? "fallen" : ""}`}>
              <span class="value" title={title}>
                {rounded(there)}
              </span>
              {bar(other, theirs, b)}
              {take ? (
                <button
                  type="button"
                  class="name ellipsis"
                  {...rows.cell(index, 0)}
                  title={common.append}
                  onClick={() => take(a)}
                >
                  <Label text={label} />
                </button>
              ) : (
                <span class="name ellipsis">
                  <Label text={label} />
                  {pin !== undefined && (
                    <button
                      type="button"
                      class="unpin"
                      aria-label={fill(common.unpin, { token: label })}
                      onClick={() => props.onUnpin(pin)}
                    >
                      ×
                    </button>
                  )}
                </span>
              )}
              {bar(next, outcome, a)}
              <button
                type="button"
                class="value"
                {...rows.cell(index, 1)}
                aria-label={fill(common.valueLabel, { token: plain(label), share: rounded(here) })}
                aria-pressed={picked === a}
                title={title}
                onClick={() => props.onPick(a)}
              >
                {rounded(here)}
              </button>
            </li>
          );
        })}
        {left > 0 && (
          <li class="rest">
            <span class="value" title={percent(rest[1]!)}>
              {rounded(rest[1]!)}
            </span>
            <span class="bar" />
            <span class="name ellipsis">
              {fill(choose(common.others, left), { count: count(left) })}
            </span>
            <span class="bar" />
            <span class="value" title={percent(rest[0]!)}>
              {rounded(rest[0]!)}
            </span>
          </li>
        )}
      </ol>
    </>
  );
}

interface TwoAxesProps {
  ticks: readonly number[];
  names: Record<"a" | "b", string>;
}

/** From the middle to either side. */
export function TwoAxes({ ticks, names }: TwoAxesProps) {
  return (
    <div class="axis two" aria-hidden="true">
      {(["b", "a"] as const).map((side) => (
        <span key={side} class={side}>
          <b>{names[side]}</b>
          {ticks.map((tick) => (
            <span key={tick}>{tickText(tick)}</span>
          ))}
        </span>
      ))}
    </div>
  );
}

export const titleOf = (
  template: typeof words.next.value | typeof training.difference.next.value,
  here: number,
  there: number,
): string =>
  fill(template, {
    a: percent(here),
    b: percent(there),
    change: points(here - there),
  });

/** Tokens that either finds likely before sampling, so that none moves with a slider. */
function candidates(a: NextToken, b: NextToken, most: number, pins: Pin[]): Candidate[] {
  const found = new Map<number, Candidate>();
  const add = (of: NextToken, rank: number) => {
    const id = of.sorted.order[rank]!;
    if (found.has(id)) return;
    found.set(id, {
      label: of.labels[rank] ?? "",
      a: a.sorted.rank[id]!,
      b: b.sorted.rank[id]!,
    });
  };
  for (let rank = 0; rank < most; rank++)
    for (const of of [a, b]) if (rank < of.known) add(of, rank);
  const likely = ({ a: one, b: other }: Candidate) =>
    Math.max(a.sorted.base[one]!, b.sorted.base[other]!);
  const shown = [...found.values()].sort((x, y) => likely(y) - likely(x)).slice(0, most);
  const pinned = pins
    .map(({ id, label }): Candidate => {
      return { label, a: a.sorted.rank[id]!, b: b.sorted.rank[id]!, pin: id };
    })
    .filter(({ a: own }) => !shown.some((one) => one.a === own));
  return [...shown, ...pinned];
}

interface ApartProps {
  store: Store;
  next: NextToken;
  outcome: Outcome;
  beside: BesideOutcome;
}

/** How far A and B are apart, and which tokens changed most. */
export function ApartLines({ store, next, outcome, beside }: ApartProps) {
  const words = wordsOfTwo(store);
  const found = useMemo(
    () => apart([next, outcome], [beside.next, beside.outcome], store.settings.value.temperature),
    [outcome, beside.outcome],
  );
  const [from, to] = [next, beside.next].map(({ sorted }) => sorted.rank) as [
    Uint32Array,
    Uint32Array,
  ];
  const told = (ids: number[]): ComponentChildren =>
    ids.length === 0
      ? words.none
      : ids.map((id, index) => (
          <span key={id} class="one-line">
            {index > 0 && " · "}
            <b>{plain(labelOf(store, id, next, beside.next))}</b>{" "}
            {points(probOf(outcome, from[id]!) - probOf(beside.outcome, to[id]!))}
          </span>
        ));
  const least = found.isAll ? "" : "≥ ";
  const size = (value: number) =>
    Number.isFinite(value) ? `${least}${bits(value)}` : words.infinite;
  return (
    <>
      <p class="apart named figures">{rich(words.gained, { tokens: told(found.gained) })}</p>
      <p class="apart named figures">{rich(words.lost, { tokens: told(found.lost) })}</p>
      <p class="legend figures" title={words.klTitle}>
        <span>{fill(words.kl, { ab: size(found.klAb), ba: size(found.klBa) })}</span>
        <span class="entropy">
          {fill(found.isAll ? common.moved : common.movedAtLeast, { share: percent(found.moved) })}
        </span>
      </p>
    </>
  );
}

/** The label of a token: the likeliest of either come with theirs. */
function labelOf({ vocabulary }: Store, id: number, ...both: NextToken[]): string {
  for (const { sorted, labels } of both) {
    const label = labels[sorted.rank[id]!];
    if (label !== undefined) return label;
  }
  return vocabulary.label(id).value ?? "…";
}
