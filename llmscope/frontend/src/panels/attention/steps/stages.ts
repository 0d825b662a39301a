import type { StepsAnswer } from "../../../protocol/answers";
import { common } from "#words/common";
import { steps as words } from "#words/steps";
import { choose, fill } from "../../../words/fill";
import formulas from "./formulas.tex";

export type StageName =
  "score" | "scale" | "softcap" | "mask" | "softmax" | "output" | "concat" | "project";

export interface Stage {
  name: StageName;
  title: string;
  /** MathML, made when the bundle was built. */
  formula: string;
  text: string;
}

const figure = (value: number): string => String(Number(value.toPrecision(4)));

/** What a model does from queries and keys to the output of one token, in its own order. */
export function stagesOf(steps: StepsAnswer, size: number, heads: number): Stage[] {
  const hidden = (steps.hidden.data as Uint8Array).reduce((sum, one) => sum + one, 0);
  const biased = (steps.bias.data as Float32Array).some((bias) => bias !== 0);
  const { scale, softcap, sink, names } = steps;
  const stages: (Omit<Stage, "title"> | null)[] = [
    {
      name: "score",
      formula: formulas.score!,
      text: fill(words.score, { count: size }),
    },
    scale === null
      ? null
      : {
          name: "scale",
          formula: formulas.scale!,
          text:
            Math.abs(scale * Math.sqrt(size) - 1) < 1e-4
              ? fill(words.scale, { size, scale: figure(scale) })
              : fill(words.ownScale, { scale: figure(scale) }),
        },
    softcap === null
      ? null
      : {
          name: "softcap",
          formula: formulas.softcap!,
          text: fill(words.softcap, { cap: figure(softcap) }),
        },
    {
      name: "mask",
      formula: formulas.mask!,
      text: [
        hidden > 0 ? fill(choose(words.mask, hidden), { count: hidden }) : words.noMask,
        biased ? words.bias : "",
      ].join(common.sentences),
    },
    {
      name: "softmax",
      formula: sink === null ? formulas.softmax! : formulas.softmax_sink!,
      text: sink === null ? words.softmax : fill(words.sink, { sink: figure(sink) }),
    },
    {
      name: "output",
      formula: formulas.output!,
      text: words.output,
    },
    {
      name: "concat",
      formula: formulas.concat!,
      text: fill(words.concat, { count: heads }),
    },
    {
      name: "project",
      formula: formulas.project!,
      text: names.projection ? fill(words.project, { name: names.projection }) : words.noProjection,
    },
  ];
  const titles = names.projection ? words.titles : { ...words.titles, project: words.module };
  return stages.flatMap((stage) => (stage ? [{ ...stage, title: titles[stage.name] }] : []));
}
