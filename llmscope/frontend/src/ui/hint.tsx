import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { HintName, Hints } from "../store/hints";
import { hints as words } from "#words/hints";

export const HintContext = createContext<Hints | null>(null);

/** What one can do, said once: it lies over what comes after it, and takes no room. */
export function Hint({ name }: { name: HintName }) {
  const hints = useContext(HintContext);
  if (hints?.now.value !== name) return null;
  return (
    <p class="bubble" role="note">
      {words[name]}
      <button
        type="button"
        aria-label={words.none}
        title={words.noneTitle}
        onClick={() => hints.end()}
      >
        ✕
      </button>
    </p>
  );
}
