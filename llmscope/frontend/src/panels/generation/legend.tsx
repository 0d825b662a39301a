import { SHADES, type Shade } from "../../protocol/shared";
import type { Store } from "../../store/store";
import { generation as words } from "#words/generation";

/** What pale and dark tokens of the text mean; as wide for any of the shades. */
export function Legend({ store }: { store: Store }) {
  const shade = store.state.shade.value as Shade;
  return (
    <span class="shades stack figures">
      {SHADES.map((name) => (
        <span key={name} class={name === shade ? "" : "unseen"}>
          {words.pale[name]} <i /> {words.dark[name]}
        </span>
      ))}
    </span>
  );
}
