import type { StepsAnswer } from "../../../protocol/answers";
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
  const stages: (Stage | null)[] = [
    {
      name: "score",
      title: "q · k",
      formula: formulas.score!,
      text: `The query of the token and the key of each token it can see, ${size} numbers each, are multiplied and added up.`,
    },
    scale === null
      ? null
      : {
          name: "scale",
          title: "scale",
          formula: formulas.scale!,
          text:
            Math.abs(scale * Math.sqrt(size) - 1) < 1e-4
              ? `Times c = ${figure(scale)}, which is 1 / √${size}, so that sums of more numbers aren't larger.`
              : `Times c = ${figure(scale)}, as this model has it.`,
        },
    softcap === null
      ? null
      : {
          name: "softcap",
          title: "soft cap",
          formula: formulas.softcap!,
          text: `No score gets past γ = ${figure(softcap)}, up or down.`,
        },
    {
      name: "mask",
      title: "mask",
      formula: formulas.mask!,
      text: [
        hidden > 0
          ? `${hidden} ${hidden === 1 ? "token is" : "tokens are"} hidden: −∞ is added to ${hidden === 1 ? "its score" : "their scores"}.`
          : "Every token can be seen from here: nothing is hidden.",
        biased ? "To the others the model adds a bias for where they stand." : "",
      ].join(" "),
    },
    {
      name: "softmax",
      title: "softmax",
      formula: sink === null ? formulas.softmax! : formulas.softmax_sink!,
      text:
        sink === null
          ? "Exponentials, divided by their sum: weights between 0 and 1 that add up to 1."
          : `Exponentials, divided by their sum and that of the sink, z = ${figure(sink)}: a share goes to nobody.`,
    },
    {
      name: "output",
      title: "values",
      formula: formulas.output!,
      text: "The value of each token, times its weight, added up: what this head hands on.",
    },
    {
      name: "concat",
      title: "all heads",
      formula: formulas.concat!,
      text: `The outputs of all ${heads} heads side by side; this one is framed.`,
    },
    {
      name: "project",
      title: names.projection ?? "module",
      formula: formulas.project!,
      text: names.projection
        ? `Times the matrix ${names.projection}: what is added to the token's own vector.`
        : "What the attention module gives. Where it mixes its heads isn't plain, so the way there isn't shown.",
    },
  ];
  return stages.filter((stage) => stage !== null);
}
