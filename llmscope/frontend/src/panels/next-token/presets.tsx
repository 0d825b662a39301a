import { NEUTRAL } from "../../protocol/shared";
import { PRESETS, areSet } from "../../sampling/presets";
import type { Store } from "../../store/store";

/** Settings by one click, or by Alt and a number; and back from all of them. */
export function Presets({ store }: { store: Store }) {
  const settings = store.settings.value;
  return (
    <div class="presets" role="group" aria-label="Presets of sampling" tabIndex={-1}>
      {PRESETS.map(({ name, title, values }, index) => (
        <button
          key={name}
          type="button"
          aria-pressed={areSet(settings, values)}
          title={`${title}: Alt ${index + 1}`}
          onClick={() => store.set(values)}
        >
          {name}
        </button>
      ))}
      <button
        type="button"
        class={`quiet reset ${areSet(settings, NEUTRAL) ? "unseen" : ""}`}
        title="The model's own distribution: Alt 0. Ctrl Z undoes one change."
        onClick={(event) => {
          // It hides itself, and the keys shall stay in the panel.
          event.currentTarget.parentElement!.focus({ preventScroll: true });
          store.set(NEUTRAL);
        }}
      >
        reset
      </button>
    </div>
  );
}
