import { pick } from "../../sampling/draws";
import type { Store } from "../../store/store";

/** Steps of a decoder: the likeliest token, or one that is drawn, goes after its text. */
export function DecoderButtons({ store }: { store: Store }) {
  const { editor } = store;
  const next = store.next.value;
  const outcome = store.outcome.value;
  const hasEnded = store.trace.value?.ended;
  const isReady = editor.target.value === "target" && next && outcome && !hasEnded;
  const take = (rank: number) => {
    const text = next!.texts[rank];
    if (text) editor.insert(text);
  };
  const why = hasEnded ? "The decoder has ended the text" : null;
  return (
    <span class="writes">
      <button
        type="button"
        disabled={!isReady || !next.texts[outcome.first]}
        title={why ?? "Append the most likely token"}
        onClick={() => take(outcome!.first)}
      >
        Step
      </button>
      <button
        type="button"
        disabled={!isReady}
        title={why ?? "Append a token sampled with these settings"}
        onClick={() => take(pick(outcome!, Math.random()))}
      >
        Sample
      </button>
    </span>
  );
}
