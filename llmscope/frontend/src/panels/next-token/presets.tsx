import { NEUTRAL } from "../../protocol/shared";
import { PRESETS, areSet } from "../../sampling/presets";
import type { Store } from "../../store/store";
import { nextToken as words } from "#words/next-token";
import { fill } from "../../words/fill";

/** Settings by one click, or by Alt and a number; and back from all of them. */
export function Presets({ store }: { store: Store }) {
  const settings = store.settings.value;
  return (
    <div class="presets" role="group" aria-label={words.presetsLabel} tabIndex={-1}>
      {PRESETS.map(({ name, values }, index) => (
        <button
          key={name}
          type="button"
          aria-pressed={areSet(settings, values)}
          title={fill(words.presetTitle, { title: words.presets[name].title, digit: index + 1 })}
          onClick={() => store.set(values)}
        >
          {words.presets[name].name}
        </button>
      ))}
      <button
        type="button"
        class={`quiet reset ${areSet(settings, NEUTRAL) ? "unseen" : ""}`}
        title={words.resetTitle}
        onClick={(event) => {
          // It hides itself, and the keys shall stay in the panel.
          event.currentTarget.parentElement!.focus({ preventScroll: true });
          store.set(NEUTRAL);
        }}
      >
        {words.reset}
      </button>
    </div>
  );
}
