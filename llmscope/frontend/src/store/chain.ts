/** The probability of each token of the text on screen. */

import type { ReadonlySignal, Signal } from "@preact/signals";
import type { ChainAnswer, Trace } from "../protocol/answers";
import type { Request } from "../protocol/keys";
import type { Core } from "./core";

export type Chain = ChainAnswer & { trace: Trace };

/** Reads the chain where it is shown; run as an effect. */
export function followChain(
  { trace: shown, model, state }: Core,
  chain: Signal<Chain | null>,
  answer: (request: Request) => ReadonlySignal<ChainAnswer | null>,
): void {
  const trace = shown.value;
  if (!trace) return;
  const family = model.peek()?.family;
  const hasChain = family === "causal" || family === "encoder-decoder";
  const isShown = ["tokens", "chain"].some((name) => state.panels.value.includes(name));
  if (isShown && hasChain && trace.last > 0) {
    const found = answer({ type: "chain", trace: trace.name }).value;
    if (found) chain.value = { ...found, trace };
  } else {
    chain.value = null;
  }
}
