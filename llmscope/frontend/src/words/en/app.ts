/** What is around the panels, and the stage of a lecture. */
export const app = {
  disconnected: "Disconnected from the kernel. Run the cell again; sliders still work.",
  runTitle: "Runs the cells above, which the new kernel knows nothing of, and this one",

  shown: "What is shown",
  showTitle: "Key {digit}",
  controls: "Controls",
  controlsTitle: "What else can be set: key c",
  fullScreen: "⤢ Full screen",
  fullScreenTitle: "Key f",
  leave: "Leave lecture mode",
} as const;
