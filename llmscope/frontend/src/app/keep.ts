import { effect } from "@preact/signals";
import { toPng } from "../draw/png";
import { toSvg } from "../draw/svg";
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
    const root = el.shadowRoot!.querySelector<HTMLElement>(".llmscope")!;
    const picture = await pictureOf(root).catch(() => ({})); // such as of one that is too high
    told = shown;
    tell(el, KEEP, { words, ...picture, ...rest });
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

/** What is on screen, as a PNG in base64; nothing of a view that has no size now. */
async function pictureOf(root: HTMLElement): Promise<{ picture?: string }> {
  if (root.clientWidth === 0) return {};
  const drawn = toSvg(root, getComputedStyle(root).backgroundColor, false);
  const bytes = new Uint8Array(await (await toPng(drawn, 1)).arrayBuffer());
  return { picture: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) };
}
