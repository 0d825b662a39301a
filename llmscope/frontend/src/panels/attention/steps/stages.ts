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
      text: `Dot product of the token's query with the key of each token it can see: ${size} products, summed.`,
    },
    scale === null
      ? null
      : {
          name: "scale",
          title: "scale",
          formula: formulas.scale!,
          text:
            Math.abs(scale * Math.sqrt(size) - 1) < 1e-4
              ? `Divide by √${size} (c = ${figure(scale)}), so scores don't grow with the head size.`
              : `Multiply by c = ${figure(scale)}, this model's own scale.`,
        },
    softcap === null
      ? null
      : {
          name: "softcap",
          title: "soft cap",
          formula: formulas.softcap!,
          text: `Scores are kept between −γ and γ = ${figure(softcap)}.`,
        },
    {
      name: "mask",
      title: "mask",
      formula: formulas.mask!,
      text: [
        hidden > 0
          ? `${hidden} ${hidden === 1 ? "token is" : "tokens are"} hidden: −∞ is added to ${hidden === 1 ? "its score" : "their scores"}.`
          : "This token can see every token: nothing is hidden.",
        biased ? "The model adds a bias for position to the others." : "",
      ].join(" "),
    },
    {
      name: "softmax",
      title: "softmax",
      formula: sink === null ? formulas.softmax! : formulas.softmax_sink!,
      text:
        sink === null
          ? "Softmax turns scores into weights that add up to 1."
          : `Softmax with a sink, z = ${figure(sink)}, that takes a share: the weights add up to less than 1.`,
    },
    {
      name: "output",
      title: "values",
      formula: formulas.output!,
      text: "The value of each token times its weight, summed: this head's output.",
    },
    {
      name: "concat",
      title: "concat",
      formula: formulas.concat!,
      text: `The outputs of all ${heads} heads side by side; this one is framed.`,
    },
    {
      name: "project",
      title: names.projection ? "× W_O" : "module",
      formula: formulas.project!,
      text: names.projection
        ? `Multiply by W_O (${names.projection}) and add to the residual stream.`
        : "This model's output projection could not be located, so the step is not shown: this is the output of the attention module.",
    },
  ];
  return stages.filter((stage) => stage !== null);
}
