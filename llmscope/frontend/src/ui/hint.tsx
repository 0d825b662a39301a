import { type ComponentChildren, createContext } from "preact";
import { useContext } from "preact/hooks";
import type { HintName, Hints } from "../store/hints";

export const HintContext = createContext<Hints | null>(null);

/** What one can do, said once: it lies over what comes after it, and takes no room. */
export function Hint({ name, children }: { name: HintName; children: ComponentChildren }) {
  const hints = useContext(HintContext);
  if (hints?.now.value !== name) return null;
  return (
    <p class="bubble" role="note">
      {children}
      <button type="button" aria-label="No hints" title="No hints: Esc" onClick={() => hints.end()}>
        ✕
      </button>
    </p>
  );
}
