import type { GenerationStore } from "../../store/generation";
import type { Store } from "../../store/store";
import { Actions, copied } from "../../ui/actions";

interface CopyProps {
  store: Store;
  generation: GenerationStore;
}

/** Copies what was generated to the clipboard. */
export function Copy({ store, generation }: CopyProps) {
  return (
    <Actions
      name="Copy"
      disabled={generation.prompt.value === null}
      onError={(error) => store.say(error)}
      actions={{
        Text: async () => copied((await generation.copy()).text),
        "Token ids": async () => copied(JSON.stringify((await generation.copy()).ids)),
        "Python call": async () => copied((await generation.copy()).call),
      }}
    />
  );
}
