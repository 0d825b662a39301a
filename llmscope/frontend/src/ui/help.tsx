import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { keys as words } from "#words/keys";

/** Shows the keys, or no longer. */
export const HelpContext = createContext<() => void>(() => {});

export function HelpButton() {
  const toggle = useContext(HelpContext);
  return (
    <button
      type="button"
      class="quiet"
      aria-label={words.title}
      title={words.buttonTitle}
      onClick={toggle}
    >
      ?
    </button>
  );
}
