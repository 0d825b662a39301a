import { percent } from "../../ui/format";
import type { WrittenRow } from "../../protocol/answers";
import type { WritingStore } from "../../store/generation";

/** The paths that were taken, each from where it parted from another. */
export function Branches({ writing }: { writing: WritingStore }) {
  const nodes = writing.nodes.value;
  const forks = new Set(
    nodes.filter(({ parent }) => writing.childrenOf(parent).length > 1).map(({ parent }) => parent),
  );
  // Where the text stops within a line, the rest of it is told, too.
  if (forks.size === 0 && writing.childrenOf(writing.current.value).length === 0) return null;
  const rows = [...branches(writing, 0, 0)];
  return (
    <div class="branches" role="tree" aria-label="Branches">
      {rows.map((row) => (
        <Branch key={row.first.number} writing={writing} {...row} />
      ))}
    </div>
  );
}

interface Row {
  /** Where it parts from the others. */
  first: WrittenRow;
  /** Its end, or where it forks again. */
  last: WrittenRow;
  text: string;
  depth: number;
  forks: boolean;
}

/** Stretches of the tree without a fork, in the order in which they are read. */
function* branches(writing: WritingStore, from: number, depth: number): Generator<Row> {
  for (const first of writing.childrenOf(from)) {
    let last = first;
    let text = first.text || first.label;
    let next = writing.childrenOf(last.number);
    while (next.length === 1) {
      last = next[0]!;
      text += last.text;
      next = writing.childrenOf(last.number);
    }
    const forks = next.length > 1;
    yield { first, last, text, depth, forks };
    if (forks && !writing.folded.value.has(last.number))
      yield* branches(writing, last.number, depth + 1);
  }
}

function Branch({ writing, first, last, text, depth, forks }: Row & { writing: WritingStore }) {
  const path = writing.pathTo(last.number);
  const logprob = path.reduce((sum, node) => sum + node.logprob, 0);
  const isOn = writing.path.value.includes(last) || writing.current.value === last.number;
  const isFolded = writing.folded.value.has(last.number);
  const compared = writing.compared.value.includes(last.number);
  return (
    <div
      class={`branch ${isOn ? "on" : ""}`}
      role="treeitem"
      aria-level={depth + 1}
      aria-selected={isOn}
      {...(forks && { "aria-expanded": !isFolded })}
      style={{ paddingLeft: `${depth * 1.4}em` }}
    >
      {forks ? (
        <button
          type="button"
          class="quiet fold"
          aria-label={isFolded ? "Unfold" : "Fold"}
          onClick={() => writing.fold(last.number)}
        >
          {isFolded ? "▸" : "▾"}
        </button>
      ) : (
        <span class="fold" />
      )}
      <button type="button" class="way" onClick={() => void writing.goTo(last.number)}>
        {first.forced && <i title="chosen by you">✎ </i>}
        {text}
      </button>
      <span class="figures muted" title={`log-probability ${logprob.toFixed(3)} nats`}>
        {percent(Math.exp(logprob))}
      </span>
      <button
        type="button"
        class="quiet"
        aria-pressed={compared}
        disabled={isOn && !compared}
        title={isOn ? "It is on screen" : "Put it beside the text"}
        onClick={() => writing.compare(last.number)}
      >
        compare
      </button>
    </div>
  );
}
