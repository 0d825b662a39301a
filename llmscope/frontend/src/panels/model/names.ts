/** What boxes are called, and what is said of them. */

import type { Box, Run } from "../../protocol/model";
import type { Place } from "../../store/model";
import { compact, count, plural } from "../../ui/format";
import { model as words } from "#words/model";
import { fill } from "../../words/fill";

const mixers: Record<string, string> = words.mixers;
const modules = (name: string): string => name.split(".").at(-1)!;

/** Its name in plain words; of what isn't understood, that of its module. */
export function titleOf({ kind, facts, module, path }: Box): string {
  if (kind === "unknown") return module ?? (path ? modules(path) : words.kinds.unknown);
  if (kind === "mixer") return mixers[String(facts.how)] ?? module ?? words.kinds.mixer;
  if (kind === "heads" && facts.kind === "cross") return words.kinds.cross;
  if (kind === "activation" && facts.activation) return String(facts.activation).toUpperCase();
  return words.kinds[kind];
}

const doesOf = ({ kind, facts }: Box): string => {
  if (kind === "unknown" && facts.why) return String(facts.why);
  return kind === "heads" && facts.kind === "cross" ? words.does.cross : words.does[kind];
};

const times = (shape: readonly number[]): string => shape.map(count).join(" × ");

/** What a box says of itself in a few signs. */
export function factsOf(box: Box): string[] {
  const { kind, facts, shapes } = box;
  const number = (name: string) => Number(facts[name]);
  const [matrix] = shapes.map(([, shape]) => shape).filter((shape) => shape.length > 1);
  if (kind === "tokens") return [fill(words.vocabulary, { count: count(number("vocabulary")) })];
  if (kind === "norm") return [words.norms[facts.how as keyof typeof words.norms] ?? ""];
  if (kind === "scale" && facts.factor != null)
    return [fill(words.factor, { factor: Number(number("factor").toPrecision(3)) })];
  if (kind === "heads") {
    const [heads, groups] = [number("heads"), number("kv_heads")];
    return [
      fill(words.heads, { heads, size: number("size") }),
      groups && groups < heads ? fill(words.groups, { groups }) : "",
      facts.kind === "cross" ? words.fromEncoder : "",
      facts.window ? fill(words.window, { count: count(number("window")) }) : "",
    ].filter(Boolean);
  }
  if (kind === "mlp" && facts.neurons) return [plural(number("neurons"), words.neurons)];
  if (kind === "moe")
    return [fill(words.experts, { chosen: number("chosen"), count: number("experts") })];
  if (kind === "mixer" || kind === "unknown")
    return box.parameters ? [fill(words.parameters, { count: compact(box.parameters) })] : [];
  return matrix ? [times(matrix)] : [];
}

/** All that is to be said of a box in a line. */
export function said({ box, layer }: Place, run: Run | null): string[] {
  const path =
    layer === null ? box.path : box.path && `${run?.paths[layer - run.first]}.${box.path}`;
  const shapes = box.shapes
    .slice(0, 4)
    .map(([name, shape]) => `${name.replace(/\.?weight$/, "")} ${times(shape)}`.trim());
  return [
    doesOf(box),
    ...(path ? [`${path}${box.module ? ` (${box.module})` : ""}`] : []),
    ...(shapes.length ? [shapes.join(", ")] : []),
    ...(box.facts.tied
      ? [words.tied]
      : box.parameters
        ? [fill(words.parameters, { count: compact(box.parameters) })]
        : []),
  ];
}

/** What the blocks of a run mix tokens by. */
export function kindOf(run: Run | null): string {
  const boxes = run?.stages.flatMap(({ shared, branches, whole }) => [
    ...shared,
    ...branches.flat(),
    ...(whole ? [whole] : []),
  ]);
  const mixing = boxes?.find(({ kind }) => kind === "heads" || kind === "mixer");
  return mixing ? titleOf(mixing) : boxes?.[0] ? titleOf(boxes[0]) : "";
}
