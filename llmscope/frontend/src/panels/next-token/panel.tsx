import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { NEUTRAL, ORDERS } from "../../protocol/shared";
import { areSet } from "../../sampling/presets";
import { pick, tally } from "../../sampling/draws";
import { type Outcome, probOf, sample } from "../../sampling/sampling";
import type { Token } from "../../protocol/answers";
import type { NextToken as Next } from "../../store/state";
import type { Store } from "../../store/store";
import { bits, count, percent, rounded } from "../../ui/format";
import { Hint } from "../../ui/hint";
import { Label, plain } from "../../ui/label";
import { common } from "#words/common";
import { nextToken as words } from "#words/next-token";
import { fill, rich } from "../../words/fill";
import type { PanelProps } from "../props";
import { Arithmetic } from "./arithmetic";
import { Bars, type Pin } from "./bars";
import { type BesideOutcome, apart, useBeside, wordsOf } from "./beside";
import { Curve } from "./curve";
import { DRAWS, Dice } from "./dice";
import { ApartLines, Mirrored } from "./mirrored";
import { MirroredTexts } from "./mirrored-texts";
import { Presets } from "./presets";
import { Search } from "./search";
import { Sliders } from "./sliders";
import { Stacked } from "./stacked";
import { Stages } from "./stages";

const ENOUGH = 0.3; // of the list, to be in sight

/** What follows the token in focus, before and after sampling settings. */
export function NextToken({ store }: PanelProps) {
  const more = useSignal(false);
  const curve = useSignal(false);
  const log = useSignal(false);
  const fixed = useSignal(false);
  const model = store.model.value!;
  const lacking = store.lacking.value;
  const next = lacking ? null : store.next.value;
  const outcome = lacking ? null : store.outcome.value;
  const masked = model.family === "masked";
  if (model.family === "encoder") {
    return (
      <section class="panel next-token" aria-label={words.title}>
        <h3>{words.title}</h3>
        <p class="muted">{words.noHead}</p>
      </section>
    );
  }
  return (
    <section class="panel next-token" aria-label={masked ? words.atGap : words.title}>
      <div class="title spread">
        <h3 class="ellipsis">
          {masked ? words.token : words.title} {next && <Place next={next} masked={masked} />}
        </h3>
        <span class="switches extra">
          <Switch on={fixed} name={words.fixed} title={words.fixedTitle} />
          <Switch on={log} name={words.log} title={words.logTitle} />
          {!masked && (
            <>
              <Switch on={curve} name={words.curve} title={words.curveTitle} />
              <Switch on={more} name={words.more} title={words.moreTitle} />
            </>
          )}
        </span>
      </div>
      {!masked && (
        <>
          <Hint name="temperature" />
          <Presets store={store} />
          <Sliders store={store} vocabulary={model.vocabulary} more={more.value} />
          <Stages store={store} vocabulary={model.vocabulary} outcome={outcome} more={more.value} />
        </>
      )}
      <div class="results">
        {next && outcome ? (
          <Rows
            store={store}
            next={next}
            outcome={outcome}
            log={log.value}
            fixed={fixed.value}
            curve={curve.value}
            compare={more.value}
            samples={!masked}
          />
        ) : (
          <p class="muted empty">{lacking ?? (!store.problem.value && words.empty)}</p>
        )}
      </div>
    </section>
  );
}

/** Which token it is about. */
function Place({ next: { trace, position }, masked }: { next: Next; masked: boolean }) {
  const { gaps, target, tokens } = trace;
  const gap = gaps.indexOf(position);
  if (gap >= 0)
    return (
      <small>
        {gaps.length > 1
          ? fill(words.place.gapOf, { number: gap + 1, count: gaps.length })
          : words.place.gap}
      </small>
    );
  const own = (target.length > 0 ? target : tokens)[position]?.label ?? "";
  return (
    <small>
      {rich(masked ? words.place.seen : common.after, { token: <Label text={plain(own)} /> })}
    </small>
  );
}

function Switch({ on, name, title }: { on: Signal<boolean>; name: string; title: string }) {
  return (
    <button
      type="button"
      aria-pressed={on.value}
      title={title}
      onClick={() => (on.value = !on.value)}
    >
      {name}
    </button>
  );
}

/** How many equally likely tokens would be as uncertain. */
function tokensOf(entropy: number): string {
  const size = 2 ** entropy;
  return size < 100 ? size.toFixed(1) : count(Math.round(size));
}

/** The token of the text in the place that is predicted; without one where the text ends. */
function actualOf({ trace, position }: Next, masked: boolean): Token | undefined {
  const { target, tokens, gaps } = trace;
  if (!masked) return (target.length > 0 ? target : tokens)[position + 1];
  return gaps.includes(position) ? trace.hidden[trace.masked.indexOf(position)] : tokens[position];
}

interface ActualProps {
  next: Next;
  outcome: Outcome;
  token: Token | undefined;
}

/** What really stands in the text, wherever in the list it is. */
function Actual({ next, outcome, token }: ActualProps) {
  const rank = token && next.sorted.rank[token.id];
  const isHidden = next.trace.gaps.includes(next.position);
  return (
    <p
      class="actual ellipsis figures"
      title={rank !== undefined && rank < next.known ? percent(probOf(outcome, rank)) : undefined}
    >
      {token && rank !== undefined && (
        <>
          {rich(isHidden ? words.hidden : words.actual, {
            token: <b>{plain(token.label)}</b>,
            rank:
              rank < next.known
                ? fill(words.rank, {
                    rank: count(rank + 1),
                    share: rounded(probOf(outcome, rank)),
                  })
                : fill(words.belowRank, { rank: count(next.known) }),
          })}
        </>
      )}
    </p>
  );
}

/** How much probability moves between the two, in words. */
function movedTo(next: Next, outcome: Outcome, beside: BesideOutcome, temperature: number): string {
  const { moved, isAll } = apart([next, outcome], [beside.next, beside.outcome], temperature);
  return fill(isAll ? words.moved : words.movedAtLeast, { share: percent(moved) });
}

interface RowsProps {
  store: Store;
  next: Next;
  outcome: Outcome;
  log: boolean;
  fixed: boolean;
  curve: boolean;
  /** Whether to say what other engines would do. */
  compare: boolean;
  /** Whether a token is sampled: nobody fills a gap by chance. */
  samples: boolean;
}

function Rows({ store, next, outcome, log, fixed, curve, compare, samples }: RowsProps) {
  const picture = useRef<HTMLDivElement>(null);
  const u = useSignal<number | null>(null);
  const draws = useSignal<Float64Array | null>(null);
  const pins = useSignal<Pin[]>([]);
  const picked = useSignal<number | null>(null); // a token id
  const counts = useComputed(() =>
    draws.value && store.outcome.value ? tally(store.outcome.value, draws.value) : null,
  );
  useEffect(() => {
    const { answersInSight } = store;
    const observer = new IntersectionObserver(
      (entries) => (answersInSight.value = entries.at(-1)!.isIntersecting),
      { threshold: ENOUGH },
    );
    observer.observe(picture.current!);
    return () => {
      observer.disconnect();
      answersInSight.value = false;
    };
  }, []);
  const settings = store.settings.value;
  const beside = useBeside(store, next);
  const untouched = beside?.probOf ?? null;
  const own = wordsOf(store);
  const isDifference = untouched !== null && store.sides.isDifference.value;
  const { of, isDifference: isOn } = store.sides;
  const isTwo = of === "steps" || !!store.comparing?.aligned.value;
  const isMirrored = beside !== null && isTwo && isOn.value;
  const actual = actualOf(next, !samples);
  const isPlain = !samples && areSet(settings, NEUTRAL);
  const others = compare
    ? ORDERS.filter((order) => order !== settings.order).map((order) => ({
        order,
        outcome: sample(next.sorted, { ...settings, order }),
      }))
    : [];
  const fallen = u.value === null ? null : pick(outcome, u.value);
  const labelOf = (rank: number | null) =>
    rank === null
      ? null
      : (next.labels[rank] ?? store.vocabulary.label(next.sorted.order[rank]!).value);
  const place = picked.value === null ? undefined : next.sorted.rank[picked.value];
  const pickedRank = place !== undefined && place < next.known ? place : null;
  const shown = {
    next,
    outcome,
    log,
    fixed,
    isPlain,
    pins: pins.value,
    fallen,
    picked: pickedRank,
    onPick: (rank: number) => {
      const id = next.sorted.order[rank]!;
      picked.value = picked.value === id ? null : id;
    },
    onTake: store.input.canChoose.value ? (rank: number) => store.input.choose(rank) : null,
    onUnpin: (id: number) => (pins.value = pins.value.filter((pin) => pin.id !== id)),
  };
  return (
    <>
      <div ref={picture} class="picture">
        {curve && <Curve store={store} next={next} />}
        {isMirrored && !beside.probOf ? (
          <MirroredTexts store={store} log={log} fixed={fixed} />
        ) : isMirrored ? (
          <Mirrored {...shown} store={store} beside={beside} />
        ) : (
          <Bars
            {...shown}
            untouched={untouched}
            words={own}
            isDifference={isDifference}
            draws={counts.value && { counts: counts.value, of: DRAWS }}
            others={others}
            actual={actual?.id ?? null}
            fillsGaps={store.editor.fillsGaps}
          />
        )}
        {isMirrored ? (
          beside.probOf && (
            <ApartLines store={store} next={next} outcome={outcome} beside={beside} />
          )
        ) : (
          <>
            <Actual next={next} outcome={outcome} token={actual} />
            {of !== "edits" && <p class="apart">{"\u00a0"}</p>}
            <p class="legend">
              <span class={isPlain && !untouched ? "unseen" : ""}>
                <i class="swatch grey" /> {untouched ? own.name : words.model}{" "}
                <i class="swatch orange" /> {words.sampled}
                <span class={counts.value ? "" : "unseen"}>
                  <i class="swatch tick" /> {words.observed}
                </span>
              </span>
              <span class="figures entropy">
                {isDifference && beside
                  ? movedTo(next, outcome, beside, settings.temperature)
                  : fill(words.entropy, {
                      bits: bits(outcome.entropy),
                      count: tokensOf(outcome.entropy),
                    })}
              </span>
            </p>
          </>
        )}
        {samples && <Stacked next={next} outcome={outcome} u={u.value} draws={draws.value} />}
      </div>
      <Arithmetic
        next={next}
        outcome={outcome}
        settings={settings}
        rank={pickedRank}
        label={labelOf(pickedRank) ?? ""}
      />
      {samples && <Dice u={u} draws={draws} label={labelOf(fallen)} />}
      <Search
        store={store}
        next={next}
        outcome={outcome}
        onPin={(pin) => {
          if (!pins.value.some(({ id }) => id === pin.id)) pins.value = [...pins.value, pin];
        }}
      />
    </>
  );
}
