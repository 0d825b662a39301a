import { batch, effect } from "@preact/signals";
import { SCORES } from "../../protocol/shared";
import type { Core } from "../core";
import type { AttentionStore } from "./store";
import type { Head, Thumbnail } from "./types";

const PREVIOUS = SCORES.indexOf("previous");
const DARKEST = 255;

/**
 * How much a head tells at first sight: the greatest weight that the last query gives to any key but
 * the first, which most heads rest on, and itself; less for heads that always look at the token before.
 */
function toldBy({ shades, scores }: Thumbnail, head: number, hasSelf: boolean): number {
  const [, rows, keys] = shades.shape as [number, number, number];
  const end = (head * rows + rows) * keys;
  const others = shades.data.slice(end - keys + 1, hasSelf ? end - 1 : end) as Uint8Array;
  const weight = (others.reduce((most, shade) => Math.max(most, shade), 0) / DARKEST) ** 2;
  const previous = scores.data[head * scores.shape[1]! + PREVIOUS]!;
  return weight * (1 - (previous || 0)) ** 2;
}

/** Once all heads of a text are read, shows the most telling one, unless somebody chose a head before. */
export function followTelling(
  { state, trace }: Pick<Core, "state" | "trace">,
  attention: AttentionStore,
): () => void {
  const chosen = () =>
    JSON.stringify([state.layer, state.head, state.heads].map((one) => one.value));
  const first = chosen();
  const ends = [
    effect(() => {
      if (state.telling.value && (chosen() !== first || attention.cell.value))
        state.telling.value = false;
    }),
    effect(() => {
      const kind = attention.kind.value;
      const read = attention.thumbnails.read.value;
      const isFree = state.telling.value && !state.playing.value && state.combine.value === "none";
      if (!trace.value || !isFree || state.heads.value.length > 0) return;
      let best: Head | null = null;
      let most = 0;
      for (const [layer, heads] of attention.layers.value) {
        const thumbnail = read.get(`${kind}/${layer}`);
        if (thumbnail?.trace !== trace.value) return;
        for (let head = 0; head < heads; head++) {
          const told = toldBy(thumbnail, head, kind !== "cross");
          if (told > most) [best, most] = [{ layer, head }, told];
        }
      }
      if (best) batch(() => attention.keep(best));
    }),
  ];
  return () => ends.forEach((end) => end());
}
