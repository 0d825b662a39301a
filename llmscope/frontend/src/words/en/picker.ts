export const picker = {
  waiting: "Waiting for the kernel…",
  /** None for some seconds: it is busy, or there is none. */
  noAnswer:
    "No kernel has answered yet. A running cell may keep it busy; if there is none, run the cell again. What view.static() shows needs none.",
  before: "This is what the view showed last:",
  title: "Choose a model",
  other: "or a Hub id, a folder or GGUF file in the working directory",
  load: "Load",
  starting: "Starting",
  stop: "Stop",
  install: "Install the default model",
} as const;
