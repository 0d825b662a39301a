/** What goes wrong in the page itself, what it waits for, and what a page without a kernel lacks. */
export const problems = {
  cantShow: "This page can't be shown here: {error}",
  gone: "The kernel is disconnected.",
  needsKernel: "This needs the kernel, which is disconnected.",
  reading: "Reading the text…",
  stillReading: "Still reading: a running cell may be keeping the kernel busy.",
  lost: "A part of the answer got lost on the way.",
  unreadable: "An array of {type} came that no view can read.",

  isPage: "This is a page already.",
  takesModel: {
    search: "Finding a token takes the model.",
    text: "Reading another text takes the model.",
    edits: "Switching parts of the model off takes the model.",
    rollout: "Rollout to this layer takes the model.",
    writing: "Writing takes the model.",
  },
  notOfTwo: "The difference of two texts is shown in their attention, chain and lens.",
  notHeld: "This page holds no such part of the model.",

  /** Of a training. */
  steps: {
    none: "Step {step} isn't kept.",
    notHeld: "This page holds step {step} no more: it was thinned out.",
    takesKernel: "Step {step} takes the kernel, which is disconnected.",
    unlike: "The two steps were read with other tokens.",
    notOfTwo: "The difference of two steps is shown in their attention and chain.",
    noMatrices: "The difference of heads takes their whole matrices, and these were not kept.",
  },

  /** Labels of tokens whose own isn't known. */
  token: "token {id}",
  otherToken: "one of the others",
} as const;
