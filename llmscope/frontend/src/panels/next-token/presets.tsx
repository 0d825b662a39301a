import { PRESETS } from "../../sampling/presets";
import type { Store } from "../../store/store";

/** Settings by one click, or by Alt and a number. */
export function Presets({ store }: { store: Store }) {
  const settings = store.settings.value;
  return (
    <div class="presets" role="group" aria-label="Presets of sampling">
      {PRESETS.map(({ name, title, values }, index) => {
        const isSet = Object.entries(values).every(
          ([setting, value]) => settings[setting as keyof typeof values] === value,
        );
        return (
          <button
            key={name}
            type="button"
            {...(name === "reset" ? { disabled: isSet } : { "aria-pressed": isSet })}
            title={`${title}: Alt ${index + 1}`}
            onClick={() => store.set(values)}
          >
            {name}
          </button>
        );
      })}
    </div>
  );
}
