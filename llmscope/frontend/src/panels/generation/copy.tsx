import { useSignal } from "@preact/signals";
import type { GenerationStore } from "../../store/generation";

const KINDS = ["text", "ids", "call"] as const;
const TITLES = {
  text: "The text so far",
  ids: "Its token ids",
  call: "The call in Python that writes it again",
};

/** Takes what was written to the clipboard. */
export function Copy({ generation }: { generation: GenerationStore }) {
  const done = useSignal<string | null>(null);
  const copy = async (kind: (typeof KINDS)[number]) => {
    const answer = await generation.copy();
    const text = kind === "ids" ? JSON.stringify(answer.ids) : answer[kind];
    await navigator.clipboard.writeText(text);
    done.value = kind;
    setTimeout(() => (done.value = null), 1200);
  };
  return (
    <span class="copy-out" data-tool>
      copy
      {KINDS.map((kind) => (
        <button
          key={kind}
          type="button"
          class="quiet"
          title={TITLES[kind]}
          disabled={generation.prompt.value === null}
          onClick={() => void copy(kind)}
        >
          {done.value === kind ? "✓" : kind}
        </button>
      ))}
    </span>
  );
}
