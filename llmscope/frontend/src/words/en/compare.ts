/** Two texts, or two models, side by side: A and B. */
export const compare = {
  title: "Texts",
  shown: "What is shown of the two",
  sidesTitle: "A, B, or A less B (D: the difference and back, Shift D: B and back)",
  sides: { a: "A", b: "B", difference: "difference" },
  named: "{side}: {model}",
  texts: { a: "Text A", b: "Text B" },
  empty: "Type a text into both.",
  stave:
    "Both texts in lines of two. Left and right pin a token, up and down choose A or B, L takes a token to align it by hand.",
  anchors: "Tokens that are aligned by hand",
  anchor: "“{a}” ↔ “{b}”",
  release: "Take “{a}” and “{b}” apart",
  holding: "L on a token of the other line aligns the two",

  legend:
    "Blue: more surprising in A; orange: more surprising in B. Dashed: one side has another token here, or none.",
  legendPlain: "Dashed: one side has another token here, or none.",
  half: "{side} “{token}” {bits}",
  nothing: "{side} has none",
  unknown: "given",
  change: "A less B {change} bits",

  unlike:
    "The two models have other layers or heads, and heads of models of different shape aren't matched: look at A or B.",

  attention: {
    less: "A less B",
    difference: "A less B, of the tokens that both have. Blue: more weight in A; orange: less.",
    edited: {
      arcs: "Arcs are of A; Matrix shows the difference.",
      steps: "Steps are of A; Matrix shows the difference.",
    },
  },
  lens: {
    about: "how far A and B are apart at this layer",
    edited: "A",
    untouched: "B",
    divergence: "divergence",
    parting: "likeliest part at",
    never: "no layer",
    shade:
      "Shade: Jensen-Shannon divergence of A and B, √ scale. Cells name the token of A, in bold where B has another",
  },
  chain: {
    about: "A less B",
    rows: { surprisal: "surprisal, ± bits", edited: "A, %", untouched: "B, %" },
    factor: "p(“{token}”): A {edited}, B {untouched} · surprisal {bits}",
    total: "What both have: {bits}; perplexity of A {edited}, of B {untouched}.",
    legend: "Blue: more surprising in A; orange: less.",
  },
  /** Of a token that only one of the two has. */
  alone: {
    a: "Only A has “{token}”: p = {share}",
    b: "Only B has “{token}”: p = {share}",
  },
  heads: {
    title: "how far heads are apart",
    here: "distance of A and B",
    explained:
      "Jensen-Shannon distance of the weights of A and B, as the mean of the queries that both have: 0 where they are equal, 1 where they look at nothing in common.",
    scale: "0 to {most}",
    reading: "Comparing heads…",
  },

  /** The next token. */
  next: {
    /** What the other one is called. */
    beside: {
      a: {
        name: "A",
        share: "A: {share}",
        value: "{share}; {before} in A. Click for the calculation.",
        changed: "{share} in B, {before} in A. Click for the calculation.",
      },
      b: {
        name: "B",
        share: "B: {share}",
        value: "{share}; {before} in B. Click for the calculation.",
        changed: "{share} in A, {before} in B. Click for the calculation.",
      },
    },
    value: "{a} in A, {b} in B: {change}",
    gained: "likelier in A: {tokens}",
    lost: "likelier in B: {tokens}",
    none: "none",
    kl: "KL A‖B {ab} · B‖A {ba}",
    klTitle:
      "Kullback-Leibler divergences: the bits a token that are lost by who expects B where A is true, and the other way round",
    infinite: "∞ (cut)",
    /** Of models with other tokens, whose texts are compared. */
    readingTexts: "Comparing texts…",
    rest: "everything else",
    restTitle: "What neither writes of these; the two may divide it otherwise",
    movedTexts: "moved {least} to {most}",
    unlike:
      "The two models have other tokens. The same texts are compared, as each spells them with its own tokens, before sampling.",
  },
} as const;
