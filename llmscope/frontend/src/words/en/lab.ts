/** The extension of JupyterLab. */
export const lab = {
  description: "Shows what was kept of a view whose kernel is no more.",
  saved: "Saved with the notebook. Run the cell to bring the view back.",
  run: "Run up to here",
  runTitle: "Runs the cells above and this one",
} as const;
