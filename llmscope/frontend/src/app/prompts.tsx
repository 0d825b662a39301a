import type { PanelProps } from "../panels/props";
import { inputKey } from "../store/text-input";
import { common } from "#words/common";

/** In a page that can't read what one types: the texts that it can show. */
export function Prompts({ store }: PanelProps) {
  const { editor } = store;
  const prompts = store.models.prompts.value;
  return (
    <label class="prompts">
      <span class="muted">{common.text}</span>{" "}
      <select
        value={prompts.findIndex((input) => inputKey(input) === editor.plainKey.value)}
        onChange={(event) => editor.show(prompts[Number(event.currentTarget.value)]!)}
      >
        {prompts.map(({ text, pair, target }, index) => (
          <option key={index} value={index}>
            {[text, pair, target].filter(Boolean).join(" / ")}
          </option>
        ))}
      </select>
    </label>
  );
}
