import type { ChainDifference } from "../../protocol/answers";
import type { Side, Store } from "../../store/store";
import { bits, inPercent, power, significant, twoDecimals } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import { chain as words } from "#words/chain";
import { compare } from "#words/compare";
import { training } from "#words/training";
import { rich } from "../../words/fill";
import { rowsOf } from "../../ui/beats";
import { Columns, lookedAt } from "./columns";
import { toBits } from "./factors";

/** In the words of a text under edits, of two that are compared, or of two steps. */
const wordsOf = ({ sides }: Store) =>
  ({ edits: words.difference, texts: compare.chain, steps: training.difference.chain })[sides.of];

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

/** By how much each token of a text is more surprising than in another. */
export function ChainOfTwo({ store }: { store: Store }) {
  const trace = store.sides.difference.value;
  const request = { type: "chain", trace: trace?.name ?? "" } as const;
  const lacking = trace && store.lacks(request);
  const found = trace && store.answer<ChainDifference>(request).value;
  const side: Side = trace && trace.target.length > 0 ? "target" : "tokens";
  const factors =
    found && factorsOf(labelsOf(store) ?? trace[side].map(({ label }) => label), found);
  return (
    <section class="panel chain" aria-label={words.title}>
      <h3>
        {words.title} <small>{wordsOf(store).about}</small>
      </h3>
      {factors && found ? (
        <div>
          <Tokens store={store} side={side} factors={factors} />
          <Sentence store={store} side={side} factors={factors} />
          <Total store={store} factors={factors} found={found} />
        </div>
      ) : (
        <p class="muted empty">{lacking ?? words.reading}</p>
      )}
    </section>
  );
}

/** What stands in each row of two texts. */
function labelsOf({ comparing }: Store): string[] | null {
  const aligned = comparing?.aligned.value;
  return aligned ? rowsOf(aligned).map(({ a, b }) => (a ?? b)!.text) : null;
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

function Tokens({ store, side, factors }: FactorsProps) {
  const most = Math.max(SCALE, ...factors.map(({ change }) => Math.abs(change)));
  const { surprisal, edited, untouched } = wordsOf(store).rows;
  return (
    <Columns
      store={store}
      side={side}
      names={[surprisal, edited, untouched]}
      kind="two-sided"
      columns={factors.map(({ label, edited, untouched, change }) => ({
        label,
        bar: edited !== null && untouched !== null && (
          <>
            <span>{signed(change)}</span>
            <span class={change < 0 ? "down" : "up"}>
              <i style={{ height: `${(50 * Math.abs(change)) / most}%` }} />
            </span>
          </>
        ),
        numbers: [
          edited === null ? (untouched === null ? words.given : "–") : inPercent(edited),
          untouched === null ? (edited === null ? "" : "–") : inPercent(untouched),
        ],
      }))}
    />
  );
}

/** The token in focus, as a sentence. */
function Sentence({ store, side, factors }: FactorsProps) {
  const { label, edited, untouched, change } = factors[lookedAt(store, side, factors.length)]!;
  const token = <Label text={plain(label)} />;
  return (
    <p class="caption lines figures" role="status">
      {edited === null || untouched === null
        ? rich(edited === untouched ? words.first : compare.alone[edited === null ? "b" : "a"], {
            token,
            share: power(edited ?? untouched ?? 0),
          })
        : rich(wordsOf(store).factor, {
            token,
            edited: power(edited),
            untouched: power(untouched),
            bits: <b>{`${change > 0 ? "+" : ""}${bits(change).replace("-", "−")}`}</b>,
          })}
    </p>
  );
}

interface TotalProps {
  store: Store;
  factors: Factor[];
  found: ChainDifference;
}

/** What all tokens come to. */
function Total({ store, factors, found }: TotalProps) {
  const [edited, untouched] = found.perplexities;
  if (edited === null || untouched === null) return null;
  const total = factors.reduce((sum, { change }) => sum + change, 0);
  return (
    <p class="total lines figures">
      {rich(wordsOf(store).total, {
        bits: <b>{`${total > 0 ? "+" : ""}${bits(total).replace("-", "−")}`}</b>,
        edited: <b>{significant(edited)}</b>,
        untouched: <b>{significant(untouched)}</b>,
      })}{" "}
      {wordsOf(store).legend}
    </p>
  );
}
