import type { PanelProps } from "./app";
import { keyOf } from "../store/text-input";

/** In a page that can't read what one types: the texts that it can show. */
export function Prompts({ store }: PanelProps) {
  const { writer } = store;
  const prompts = store.loading.prompts.value;
  return (
    <label class="prompts">
      <span class="muted">Text</span>{" "}
      <select
        value={prompts.findIndex((reading) => keyOf(reading) === writer.key.value)}
        onChange={(event) => writer.turnTo(prompts[Number(event.currentTarget.value)]!)}
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
