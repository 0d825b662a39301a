import { type Outcome, cutBy, probOf } from "../../sampling/sampling";
import type { NextToken } from "../../store/state";
import { plain } from "../../ui/label";
import { nextToken as words } from "#words/next-token";

const NAMED = 10; // segments of one token; all others share two
const ROOM = 0.09; // share of the whole, from which on a segment has its name in it
const WIDTH = 100; // of the drawing of draws, in units of its own

interface StackedProps {
  next: NextToken;
  outcome: Outcome;
  /** The random number that was drawn. */
  u: number | null;
  /** A thousand of them, in rising order. */
  draws: Float64Array | null;
}

interface Segment {
  name: string;
  share: number;
  isCut: boolean;
  rank: number;
}

/** Probabilities in order, stacked from 0 to 1: before, with what is cut, and after, with where a draw falls. */
export function Stacked({ next, outcome, u, draws }: StackedProps) {
  const { base } = next.sorted;
  const named = Array.from({ length: Math.min(NAMED, base.length) }, (_, rank) => rank);
  const name = (rank: number) => plain(next.labels[rank] ?? "");
  const end = outcome.stages.length > 0 ? outcome.first + outcome.kept : base.length;
  const begin = Math.min(end, Math.max(named.length, outcome.first));
  const rest = {
    kept: sumOf(base, begin, end),
    cut: sumOf(base, named.length, begin) + sumOf(base, Math.max(named.length, end), base.length),
  };
  const before: Segment[] = [
    ...named.map((rank) => ({
      name: name(rank),
      share: base[rank]!,
      isCut: cutBy(outcome, rank) !== undefined,
      rank,
    })),
    { name: words.otherTokens, share: rest.kept, isCut: false, rank: named.length },
    { name: words.otherTokens, share: rest.cut, isCut: true, rank: named.length },
  ];
  const after: Segment[] = named.map((rank) => ({
    name: name(rank),
    share: probOf(outcome, rank),
    isCut: false,
    rank,
  }));
  const left = 1 - after.reduce((sum, { share }) => sum + share, 0);
  after.push({
    name: words.otherTokens,
    share: Math.max(0, left),
    isCut: false,
    rank: named.length,
  });
  return (
    <div class="stacked" role="img" aria-label={words.stacked}>
      <Row kind="before" segments={before} />
      <Row kind="after" segments={after} />
      <svg viewBox={`0 0 ${WIDTH} 1`} preserveAspectRatio="none">
        {draws && (
          <path d={[...draws].map((draw) => `M${(draw * WIDTH).toFixed(2)} 0v1`).join("")} />
        )}
      </svg>
      {u !== null && <b class="needle" style={{ left: `${100 * u}%` }} />}
      <span class="ends figures" aria-hidden="true">
        <span>0</span>
        <span>1</span>
      </span>
    </div>
  );
}

/** The sum over ranks from `begin` to before `end`, the smallest first. */
function sumOf(probs: Float64Array, begin: number, end: number): number {
  let sum = 0;
  for (let rank = end - 1; rank >= begin; rank--) sum += probs[rank]!;
  return sum;
}

function Row({ kind, segments }: { kind: string; segments: Segment[] }) {
  return (
    <div class={`stacked-row ${kind}`}>
      {segments.map(({ name, share, isCut, rank }) => (
        <i
          key={`${rank}${isCut}`}
          class={isCut ? "cut" : ""}
          style={{ width: `${100 * share}%`, "--rank": rank }}
        >
          {kind === "after" && share >= ROOM && <span>{name}</span>}
        </i>
      ))}
    </div>
  );
}
