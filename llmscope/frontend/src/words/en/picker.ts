export const picker = {
  waiting: "Waiting for the kernel…",
  title: "Choose a model",
  other: "or a Hub id, a folder or GGUF file in the working directory",
  load: "Load",
  starting: "Starting",
  stop: "Stop",
  install: "Install the default model",
} as const;
