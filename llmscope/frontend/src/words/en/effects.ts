/** Which heads made a token likely. */
export const effects = {
  mark: "effect on a token",
  token: "Token that heads are coloured by their effect on",
  foil: "Another token: the effect is then on the difference of the two",
  noFoil: "against none",
  against: "against {token}",
  way: "How effects are found",
  ways: { direct: "direct", ablate: "true" },
  titles: {
    direct:
      "What each head writes into the residual stream, as far as the logit sees it: the parts sum to the logit",
    ablate: "What is lost when each head is switched off: one pass for each, in batches",
  },
  title: "effect",
  explained: {
    direct: "Direct effect on {of}: what each head writes, as far as the logit sees it.",
    ablate: "True effect on {of}: what is lost without the head.",
  },
  estimated: "Estimated by one pass backward; the true effects come.",
  soFar: "{known} of {all} heads are known; the others are estimated.",
  logit: "the logit of “{token}”",
  difference: "the logit of “{token}” less that of “{foil}”",
  legend: "for the token · against it",
} as const;
