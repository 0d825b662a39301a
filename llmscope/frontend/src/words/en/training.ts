import * as names from "./names";

/** The training of a model, step by step. */
export const training = {
  title: names.training,
  about: "{name}, {model}",
  /** The kernel hasn't answered. */
  asking:
    "Waiting for the kernel. Where it answers only between cells, show the view in a cell before the one that trains.",
  waiting: "No step is kept yet: the first one is kept as the training begins.",

  run: "Run",
  runs: "Which run is shown",
  probe: "Text",
  probes: "Which of the texts that are watched is shown",

  /** How far it is. */
  states: {
    waiting: "not begun",
    training: "training",
    ended: "ended",
    stopped: "stopped",
    "broken off": "broken off",
  },
  /** Where nobody tells how it goes on. */
  lost: "not followed any more: the kernel is gone",
  far: "{done} of {total} steps",
  farOf: { one: "{count} step", other: "{count} steps" },
  seconds: { one: "{count} second left", other: "{count} seconds left" },
  minutes: { one: "{count} minute left", other: "{count} minutes left" },
  hours: { one: "{count} hour left", other: "{count} hours left" },
  stop: "Stop training",
  stopTitle: "Ask the trainer to stop after the step that it is at: what was kept stays",
  stopping: "Stopping…",

  /** The step that is shown. */
  slider: "Step that is shown",
  step: "step {step}",
  stepOf: "step {step} of {total}",
  value: "step {step}, {loss}",
  play: "Play the steps one after the other (Space)",
  pause: "Pause (Space)",
  speed: "Steps a second",
  speeds: "{count} a second",
  newest: "newest",
  newestTitle: "Show the newest step, and each that comes",
  kept: { one: "{count} step kept", other: "{count} steps kept" },

  /** A second step beside it. */
  hold: "Hold this step",
  holdTitle: "Hold this step, to see others beside it (H)",
  release: "Hold it no more (H)",
  sides: "What is shown of the two steps",
  sidesTitle: "The step, the one that is held, or the one less the other (D, Shift D)",
  side: { edited: "step {step}", untouched: "held: {step}", difference: "difference" },
  heldOf: "{step}, {run}",
  none: "none",

  /** The curve of the loss. */
  curve: "Loss over the steps. {reading} Drag to choose a step.",
  loss: "loss",
  evalLoss: "eval loss",
  ofRun: "{name} of {run}",
  noLoss: "No loss was logged.",
  learningRate: "learning rate",
  gradNorm: "gradient norm",
  /** At the mouse. */
  pointed: "{step}: {value}",
  reading: "{name} {value}",
  readingAt: "{name} {value} (step {step})",
  score: "Score of the head in focus, on the right",
  noScore: "no score",
  scoreOf: "{head} {score}",
  steps: "log steps",
  stepsTitle: "Steps by their ratio, not by their difference",
  log: "log loss",
  logTitle: "A logarithmic axis of the loss",

  /** Of the step on screen less the one that is held. */
  difference: {
    attention: {
      less: "shown less held",
      difference: "Step shown less step held. Blue: more weight where it is shown; orange: less.",
      edited: {
        arcs: "Arcs are of the step shown; Matrix shows the difference.",
        steps: "This is of the step shown; Matrix shows the difference.",
      },
    },
    chain: {
      about: "shown less held",
      rows: { surprisal: "surprisal, ± bits", edited: "shown, %", untouched: "held, %" },
      factor: "p(“{token}”): shown {edited}, held {untouched} · surprisal {bits}",
      total: "The whole text: {bits}; perplexity shown {edited}, held {untouched}.",
      legend: "Blue: more surprising at the step shown; orange: less.",
    },
    heads: {
      title: "how far heads are apart",
      here: "distance of the two steps",
      explained:
        "Jensen-Shannon distance of the weights, mean of the queries: 0 where equal, 1 with nothing in common.",
      scale: "0 to {most}",
      reading: "Comparing heads…",
    },
    /** The next token, at both. */
    next: {
      sides: { a: "shown", b: "held" },
      held: {
        name: "held",
        share: "held: {share}",
        value: "{share}; {before} at the held step. Click for the calculation.",
        changed: "{share} shown, {before} held. Click for the calculation.",
      },
      /** Where the held one is on screen. */
      shown: {
        name: "shown",
        share: "shown: {share}",
        value: "{share}; {before} at the step of the slider. Click for the calculation.",
        changed: "{share} held, {before} at the step of the slider. Click for the calculation.",
      },
      value: "{a} shown, {b} held: {change}",
      gained: "likelier shown: {tokens}",
      lost: "likelier held: {tokens}",
      none: "none",
      kl: "KL shown‖held {ab} · held‖shown {ba}",
      klTitle:
        "Kullback-Leibler divergences: the bits a token that are lost by who expects the step held where the step shown is true, and the other way round",
      infinite: "∞ (cut)",
    },
  },
} as const;
