import { useSignal } from "@preact/signals";
import type { GenerationStore } from "../../store/generation";

const KINDS = { text: "Text", ids: "Token ids", call: "Python call" };

type Kind = keyof typeof KINDS;

/** Copies what was generated to the clipboard. */
export function Copy({ generation }: { generation: GenerationStore }) {
  const done = useSignal(false);
  const copy = async (kind: Kind) => {
    const answer = await generation.copy();
    const text = kind === "ids" ? JSON.stringify(answer.ids) : answer[kind];
    await navigator.clipboard.writeText(text);
    done.value = true;
    setTimeout(() => (done.value = false), 1200);
  };
  return (
    <select
      data-tool
      aria-label="Copy"
      disabled={generation.prompt.value === null}
      value=""
      onChange={(event) => {
        void copy(event.currentTarget.value as Kind);
        event.currentTarget.value = "";
      }}
    >
      <option value="" hidden>
        {done.value ? "Copied ✓" : "Copy"}
      </option>
      {Object.entries(KINDS).map(([kind, name]) => (
        <option key={kind} value={kind}>
          {name}
        </option>
      ))}
    </select>
  );
}
