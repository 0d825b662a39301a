import type { Core } from "./core";

/** Asks, unless that is ended first, and takes the answer if it still is of the trace on screen. */
export function ask<T>(
  core: Core,
  request: (signal: AbortSignal) => Promise<T>,
  take: (answer: T) => void,
): () => void {
  const trace = core.trace.peek();
  const over = new AbortController();
  const isWanted = () => !over.signal.aborted && core.trace.peek() === trace;
  request(over.signal)
    .then((answer) => {
      if (isWanted()) take(answer);
    })
    .catch((error: unknown) => {
      if (isWanted()) core.report(error);
    });
  return () => over.abort();
}
