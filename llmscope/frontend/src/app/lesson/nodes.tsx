/** Captions: elements of these kinds, and nothing else. */

import { type ComponentChild, h } from "preact";
import type { Node } from "../../protocol/lesson";

const TAGS = new Set(
  [
    ["p", "ul", "ol", "li", "blockquote", "pre", "h3", "strong", "em", "code"],
    ["math", "mrow", "mi", "mn", "mo", "mtext", "mfrac", "msqrt", "msub", "msup", "msubsup"],
  ].flat(),
);

const drawn = (node: Node): ComponentChild => {
  if (typeof node === "string") return node;
  const tag = node[0];
  const inner = node.slice(1);
  if (tag === "a") return <Link to={String(inner[0])} nodes={inner.slice(1)} />;
  if (tag === "math-block") return h("math", { display: "block" }, inner.map(drawn));
  return TAGS.has(tag) ? h(tag, null, inner.map(drawn)) : inner.map(drawn);
};

/** A link, with its address in print: nothing is asked of it before a person follows it. */
function Link({ to, nodes }: { to: string; nodes: readonly Node[] }) {
  if (!/^https?:\/\//.test(to)) return <>{nodes.map(drawn)}</>;
  return (
    <a href={to} target="_blank" rel="noopener">
      {nodes.map(drawn)}
    </a>
  );
}

/** What a caption says. */
export function Nodes({ nodes }: { nodes: readonly Node[] }) {
  return <>{nodes.map(drawn)}</>;
}
