import type { Token, TreeNode } from "../../protocol/answers";
import type { Shade } from "../../protocol/shared";
import { type GenerationStore, shadeOf } from "../../store/generation";
import type { Store } from "../../store/store";
import { isCode } from "../../ui/code";
import { Label } from "../../ui/label";
import { common } from "#words/common";
import { generation as words } from "#words/generation";
import { choose, fill } from "../../words/fill";
import { Alternatives } from "./alternatives";
import { useEffect, useRef } from "preact/hooks";

/** The text: the prompt in grey, then what the model generated, token by token. */
export function Output({ store, generation }: { store: Store; generation: GenerationStore }) {
  const page = useRef<HTMLDivElement>(null);
  const path = generation.path.value;
  const prompt = generation.prompt.value ?? [];
  const isPlaying = store.state.playing.value;
  const text = path.reduce((all, node) => all + node.text, store.state.text.value);
  const others = generation.compared.value.filter((end) => end !== generation.current.value);
  useEffect(() => {
    if (isPlaying && page.current) page.current.scrollTop = page.current.scrollHeight;
  }, [path.length, isPlaying]);
  return (
    <>
      <div
        ref={page}
        class={`written scrolls ${others.length > 0 ? "many" : ""} ${isCode(text) ? "code" : ""} ${store.isOld.value ? "old" : ""}`}
        tabIndex={0}
        role="application"
        aria-label={words.text}
      >
        <p>
          <PromptText
            text={store.isOld.value ? generation.begun.value : store.state.text.value}
            tokens={prompt}
          />
          {path.map((node) => (
            <GeneratedToken key={node.number} store={store} generation={generation} node={node} />
          ))}
          {!generation.ended.value && !generation.lacking && (
            <span class="caret" aria-hidden="true" />
          )}
        </p>
        {others.map((end) => (
          <Other key={end} store={store} generation={generation} end={end} />
        ))}
      </div>
      <Alternatives store={store} generation={generation} page={page} />
    </>
  );
}

function PromptText({ text, tokens }: { text: string; tokens: Token[] }) {
  const special = tokens.filter(({ isSpecial }) => isSpecial);
  return (
    <span class="muted">
      {special.length > 0 && special.length === tokens.length
        ? special.map(({ label }) => label).join("")
        : text}
    </span>
  );
}

interface TokenProps {
  store: Store;
  generation: GenerationStore;
  node: TreeNode;
  /** The end of the path beside the text that contains it. */
  end?: number;
}

function GeneratedToken({ store, generation, node, end }: TokenProps) {
  const shade = shadeOf(node, store.state.shade.value as Shade);
  const isHere = generation.selected.value === node.number;
  const branches = generation.childrenOf(node.parent).length > 1;
  // White space before a word may end a line: it has no colour.
  const [, space, word] = /^(\s*)(.*)$/s.exec(node.text)!;
  return (
    <span
      class={`wrote ${isHere ? "here" : ""} ${node.forced ? "forced" : ""} ${branches ? "fork" : ""} ${/^\s*\n/.test(node.text) ? "break" : ""}`}
      style={{ "--shade": shade.toFixed(3) }}
      data-node={node.number}
      onPointerEnter={() => !store.state.playing.peek() && (generation.hovered.value = node.number)}
      onPointerLeave={() => (generation.hovered.value = null)}
      onClick={() => {
        generation.stop();
        generation.look(isHere ? null : node.number, end);
      }}
    >
      {word && space}
      <span>{word || node.text || <Label text={node.label} />}</span>
    </span>
  );
}

/** Another path beside the first, from where they part. */
function Other({
  store,
  generation,
  end,
}: {
  store: Store;
  generation: GenerationStore;
  end: number;
}) {
  const parting = generation.commonAncestor(generation.current.value, end);
  const shared = generation.pathTo(parting).length;
  const rest = generation.pathTo(end).slice(shared);
  const own = generation.path.value.slice(shared);
  const costOf = (nodes: readonly TreeNode[]) => {
    const all = nodes.reduce((sum, { logprob }) => sum - logprob / Math.LN2, 0);
    return nodes.length === 0
      ? words.nothing
      : fill(words.cost, { bits: all.toFixed(1), tokens: tokens(nodes.length) });
  };
  const costs = { own: costOf(own), other: costOf(rest) };
  return (
    <p class="other">
      <span class="muted">…</span>
      {rest.map((node) => (
        <GeneratedToken
          key={node.number}
          store={store}
          generation={generation}
          node={node}
          end={end}
        />
      ))}
      <small class="figures">
        {" "}
        {shared > 0
          ? fill(words.splitAfter, { tokens: tokens(shared), ...costs })
          : fill(words.splitAtOnce, costs)}
      </small>
    </p>
  );
}

const tokens = (count: number): string => fill(choose(common.tokens, count), { count });
