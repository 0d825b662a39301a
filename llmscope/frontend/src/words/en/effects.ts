/** Which heads, MLPs and tokens of the text made a token likely. */
export const effects = {
  mark: "effect on a token",
  token: "Token that heads are coloured by their effect on",
  foil: "Another token: the effect is then on the difference of the two",
  noFoil: "against none",
  againstToken: "against {token}",
  way: "How effects are found",
  ways: { direct: "direct", ablate: "true" },
  titles: {
    direct:
      "What each head and MLP writes into the residual stream, as far as the logit sees it: the parts sum to the logit",
    ablate: "What is lost when each head or MLP is switched off: one pass for each, in batches",
  },
  title: "effect",
  mlp: "MLP {layer}",
  mlpTitle: "The effect of the layer's MLP, which has its cell beside the number of the layer",
  noMlps: "MLPs: {why}",
  decoderMlps: "these are the encoder's layers, and MLPs are measured in the decoder.",
  about: "≈ {value}",

  /** Of the text. */
  shadeBy: "What the text is shaded by",
  shades: { attention: "attention", effect: "effect" },
  shadeTitles: {
    attention: "Shade tokens by attention of the head in focus",
    effect:
      "Shade tokens by their effect on the token that is asked about: what is lost when a token that stands for none takes the place of each",
  },
  text: {
    coming: "Effect on {of}: being computed.",
    estimated: "Estimated effect on {of} (gradient × input); the true ones come.",
    soFar: "Effect on {of}: {known} of {all} tokens are true, the others estimated.",
    whole: "True effect on {of}.",
  },
  onToken: "effect {value}",
  onTokenEstimated: "estimated effect {value}",
  encoderOnly: "Effects are those of the encoder's tokens.",
  explained: {
    direct: "Direct effect on {of}: what each head and MLP writes, as far as the logit sees it.",
    ablate: "True effect on {of}: what is lost without the head, or MLP.",
  },
  estimated: "Estimated by one pass backward; the true effects come.",
  soFar: "{known} of {all} heads are known; the others are estimated.",
  logit: "the logit of “{token}”",
  difference: "the logit of “{token}” less that of “{foil}”",
  ahead: "for the token",
  against: "against it",
} as const;
