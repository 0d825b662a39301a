import { effect } from "@preact/signals";
import { KEEP, isKept, tell } from "../host/keeper";
import type { Store } from "../store/store";

const REST = 2000; // ms without a change, after which somebody may look away, or save

/** Tells whoever keeps the view in `el` what it shows, each time it has come to rest. */
export function keep(el: HTMLElement, store: Store): () => void {
  let timer = 0;
  let told = "";
  let asked = new AbortController();
  const ask = async () => {
    const shown = JSON.stringify(Object.values(store.state).map((trait) => trait.peek()));
    if (!isKept(el) || shown === told) return;
    const { words, ...rest } = await store.keep(asked.signal);
    if (words === undefined) return;
    told = shown;
    tell(el, KEEP, { words, ...rest });
  };
  const end = effect(() => {
    window.clearTimeout(timer);
    asked.abort();
    if (!store.settled.value || store.isGone.value) return;
    asked = new AbortController();
    // What can't be kept now is kept at the next rest.
    timer = window.setTimeout(() => ask().catch(() => {}), REST);
  });
  return () => {
    end();
    window.clearTimeout(timer);
    asked.abort();
  };
}
