import { useEffect, useRef } from "preact/hooks";
import type { ChainDifference } from "../../protocol/answers";
import type { Side, Store } from "../../store/store";
import { bits, inPercent, power, significant, twoDecimals } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import { chain as words } from "#words/chain";
import { rich } from "../../words/fill";
import { toBits } from "./factors";
import { clampedFocus, keysOf, reveal } from "./focus";

const SCALE = 4; // bits that a bar has room for, unless a token changes by more

/** One token, under edits and without them. */
interface Factor {
  label: string;
  /** Log-probabilities in nats; `null` for the first token. */
  edited: number | null;
  untouched: number | null;
  /** Surprisal of the one less that of the other, in bits. */
  change: number;
}

/** By how much edits make each token of the text more surprising. */
export function ChainOfTwo({ store }: { store: Store }) {
  const trace = store.whatIf.difference.value;
  const request = { type: "chain", trace: trace?.name ?? "" } as const;
  const lacking = trace && store.lacks(request);
  const found = trace && store.answer<ChainDifference>(request).value;
  const side: Side = trace && trace.target.length > 0 ? "target" : "tokens";
  const factors =
    found &&
    factorsOf(
      trace[side].map(({ label }) => label),
      found,
    );
  return (
    <section class="panel chain" aria-label={words.title}>
      <h3>
        {words.title} <small>{words.difference.about}</small>
      </h3>
      {factors && found ? (
        <div>
          <Columns store={store} side={side} factors={factors} />
          <Sentence store={store} side={side} factors={factors} />
          <Total factors={factors} found={found} />
        </div>
      ) : (
        <p class="muted empty">{lacking ?? words.reading}</p>
      )}
    </section>
  );
}

function factorsOf(labels: string[], { logprobs, both }: ChainDifference): Factor[] {
  const known = (value: number | undefined) =>
    value === undefined || Number.isNaN(value) ? null : value;
  return labels.map((label, index) => ({
    label,
    edited: known(both.data[index]),
    untouched: known(both.data[labels.length + index]),
    change: toBits(known(logprobs.data[index]) ?? 0),
  }));
}

interface FactorsProps {
  store: Store;
  side: Side;
  factors: Factor[];
}

const signed = (value: number): string => `${value > 0 ? "+" : ""}${twoDecimals(value)}`;

function Columns({ store, side, factors }: FactorsProps) {
  const box = useRef<HTMLDivElement>(null);
  const here = clampedFocus(store, side, factors.length);
  const most = Math.max(SCALE, ...factors.map(({ change }) => Math.abs(change)));
  useEffect(() => {
    const found = box.current!.querySelector<HTMLElement>(".here");
    if (found) reveal(found, box.current!);
  }, [here, factors.length]);
  return (
    <div
      ref={box}
      class="columns-of-tokens figures"
      role="group"
      aria-label={words.tokens}
      tabIndex={0}
      onKeyDown={keysOf(store, side, factors.length)}
    >
      <div class="factor names" aria-hidden="true">
        <span class="height">{words.difference.rows.surprisal}</span>
        <span>{words.rows.token}</span>
        <span>{words.difference.rows.edited}</span>
        <span>{words.difference.rows.untouched}</span>
      </div>
      {factors.map(({ label, edited, untouched, change }, index) => (
        <button
          key={index}
          type="button"
          tabIndex={-1}
          class={`factor ${index === here ? "here" : ""}`}
          onPointerEnter={() => side === "tokens" && (store.hovered.value = index)}
          onPointerLeave={() => side === "tokens" && (store.hovered.value = null)}
          onClick={() => store.pin(index, side)}
        >
          <span class="height two-sided">
            {edited !== null && (
              <>
                <span>{signed(change)}</span>
                <span class={change < 0 ? "down" : "up"}>
                  <i style={{ height: `${(50 * Math.abs(change)) / most}%` }} />
                </span>
              </>
            )}
          </span>
          <span class="ellipsis">
            <Label text={label} />
          </span>
          <span>{edited === null ? words.given : number(inPercent(edited))}</span>
          <span>{untouched === null ? "" : number(inPercent(untouched))}</span>
        </button>
      ))}
    </div>
  );
}

/** The token in focus, as a sentence. */
function Sentence({ store, side, factors }: FactorsProps) {
  const hovered = side === "tokens" ? store.hovered.value : null;
  const at = Math.min(hovered ?? clampedFocus(store, side, factors.length), factors.length - 1);
  const { label, edited, untouched, change } = factors[at]!;
  const token = <Label text={plain(label)} />;
  return (
    <p class="caption lines figures" role="status">
      {edited === null || untouched === null
        ? rich(words.first, { token })
        : rich(words.difference.factor, {
            token,
            edited: power(edited),
            untouched: power(untouched),
            bits: <b>{`${change > 0 ? "+" : ""}${bits(change).replace("-", "−")}`}</b>,
          })}
    </p>
  );
}

/** What all tokens come to. */
function Total({ factors, found }: { factors: Factor[]; found: ChainDifference }) {
  const [edited, untouched] = found.perplexities;
  if (edited === null || untouched === null) return null;
  const total = factors.reduce((sum, { change }) => sum + change, 0);
  return (
    <p class="total lines figures">
      {rich(words.difference.total, {
        bits: <b>{`${total > 0 ? "+" : ""}${bits(total).replace("-", "−")}`}</b>,
        edited: <b>{significant(edited)}</b>,
        untouched: <b>{significant(untouched)}</b>,
      })}{" "}
      {words.difference.legend}
    </p>
  );
}

/** Breaks before its power of ten alone. */
const number = (text: string): string => text.replace(" ", "\u00a0");
