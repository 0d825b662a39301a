import { createContext } from "preact";
import { useContext } from "preact/hooks";

/** Shows the keys, or no longer. */
export const HelpContext = createContext<() => void>(() => {});

export function HelpButton() {
  const toggle = useContext(HelpContext);
  return (
    <button type="button" class="quiet" aria-label="Keys" title="Keys: ?" onClick={toggle}>
      ?
    </button>
  );
}
