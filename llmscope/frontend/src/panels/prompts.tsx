import type { PanelProps } from "../app";

/** In a page that can't read what one types: the texts that it can show. */
export function Prompts({ store }: PanelProps) {
  return (
    <label class="prompts">
      <span class="muted">Text</span>{" "}
      <select
        value={store.state.text.value}
        onChange={(event) => store.edit(event.currentTarget.value)}
      >
        {store.prompts.value.map((text) => (
          <option key={text} value={text}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
