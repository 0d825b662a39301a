import type { TreeNode } from "../../protocol/answers";
import type { GenerationStore } from "../../store/generation";
import { percent } from "../../ui/format";
import { generation as words } from "#words/generation";
import { common } from "#words/common";
import { choose, fill } from "../../words/fill";

/** The paths that were taken, each from where it parted from another. */
export function Branches({ generation }: { generation: GenerationStore }) {
  const nodes = generation.nodes.value;
  const forks = new Set(
    nodes
      .filter(({ parent }) => generation.childrenOf(parent).length > 1)
      .map(({ parent }) => parent),
  );
  // Where the text stops within a line, the rest of the line is shown, too.
  if (forks.size === 0 && generation.childrenOf(generation.current.value).length === 0) return null;
  const rows = [...branches(generation, 0, 0)];
  return (
    <div class="branches" role="tree" aria-label={words.branches}>
      {rows.map((row) => (
        <Branch key={row.first.number} generation={generation} {...row} />
      ))}
    </div>
  );
}

interface Row {
  /** Where it parts from the others. */
  first: TreeNode;
  /** Its end, or where it forks again. */
  last: TreeNode;
  text: string;
  depth: number;
  forks: boolean;
}

/** Stretches of the tree without a fork, in the order in which they are read. */
function* branches(generation: GenerationStore, from: number, depth: number): Generator<Row> {
  for (const first of generation.childrenOf(from)) {
    let last = first;
    let text = first.text || first.label;
    let next = generation.childrenOf(last.number);
    while (next.length === 1) {
      last = next[0]!;
      text += last.text;
      next = generation.childrenOf(last.number);
    }
    const forks = next.length > 1;
    yield { first, last, text, depth, forks };
    if (forks && !generation.folded.value.has(last.number))
      yield* branches(generation, last.number, depth + 1);
  }
}

function Branch({
  generation,
  first,
  last,
  text,
  depth,
  forks,
}: Row & { generation: GenerationStore }) {
  const path = generation.pathTo(last.number);
  const logprob = path.reduce((sum, node) => sum + node.logprob, 0);
  const isOn = generation.path.value.includes(last) || generation.current.value === last.number;
  const isFolded = generation.folded.value.has(last.number);
  const compared = generation.compared.value.includes(last.number);
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
          aria-label={isFolded ? words.unfold : words.fold}
          onClick={() => generation.fold(last.number)}
        >
          {isFolded ? "▸" : "▾"}
        </button>
      ) : (
        <span class="fold" />
      )}
      <button type="button" class="way ellipsis" onClick={() => void generation.goTo(last.number)}>
        {first.forced && <i title={words.chosen}>✎ </i>}
        {text}
      </button>
      <span
        class="figures muted"
        title={fill(words.logprob, {
          share: percent(Math.exp(logprob)),
          logprob: logprob.toFixed(3),
          tokens: tokens(path.length),
        })}
      >
        {fill(words.mean, { bits: (-logprob / Math.LN2 / path.length).toFixed(1) })}
      </span>
      <button
        type="button"
        class="quiet"
        aria-pressed={compared}
        disabled={isOn && !compared}
        title={isOn ? words.onScreen : words.beside}
        onClick={() => generation.compare(last.number)}
      >
        {words.compare}
      </button>
    </div>
  );
}

const tokens = (count: number): string => fill(choose(common.tokens, count), { count });
