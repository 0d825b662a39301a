import { pick } from "../../sampling/draws";
import type { Store } from "../../store/store";
import { common } from "#words/common";
import { tokens as words } from "#words/tokens";

/** Steps of a decoder: the likeliest token, or one that is drawn, goes after its text. */
export function DecoderButtons({ store }: { store: Store }) {
  const { editor } = store;
  const next = store.next.value;
  const outcome = store.outcome.value;
  const hasEnded = store.trace.value?.ended;
  const isReady = editor.target.value === "target" && next && outcome && !hasEnded;
  // While one waits they keep the focus: what is disabled hears no key.
  const take = (rank: number) => {
    const text = next!.texts[rank];
    if (text) editor.insert(text);
  };
  const why = hasEnded ? words.ended : null;
  return (
    <span class="writes">
      <button
        type="button"
        aria-disabled={!isReady || !next.texts[outcome.first]}
        title={why ?? words.stepTitle}
        onClick={() => isReady && take(outcome.first)}
      >
        {common.step}
      </button>
      <button
        type="button"
        aria-disabled={!isReady}
        title={why ?? words.sampleTitle}
        onClick={() => isReady && take(pick(outcome, Math.random()))}
      >
        {words.sample}
      </button>
    </span>
  );
}
