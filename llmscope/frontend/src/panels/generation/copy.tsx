import { useSignal } from "@preact/signals";
import type { GenerationStore } from "../../store/generation";

const KINDS = { text: "Text", ids: "Token ids", call: "Python call" };

type Kind = keyof typeof KINDS;

/** Copies what was generated to the clipboard. */
export function Copy({ generation }: { generation: GenerationStore }) {
  const said = useSignal("");
  const copy = async (kind: Kind) => {
    const answer = await generation.copy();
    const text = kind === "ids" ? JSON.stringify(answer.ids) : answer[kind];
    said.value = await navigator.clipboard.writeText(text).then(
      () => "Copied ✓",
      () => "Not allowed here",
    );
    setTimeout(() => (said.value = ""), 1200);
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
        {said.value || "Copy"}
      </option>
      {Object.entries(KINDS).map(([kind, name]) => (
        <option key={kind} value={kind}>
          {name}
        </option>
      ))}
    </select>
  );
}
