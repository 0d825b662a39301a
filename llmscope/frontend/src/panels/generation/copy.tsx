import type { GenerationStore } from "../../store/generation";
import type { Store } from "../../store/store";
import { Actions, copied } from "../../ui/actions";
import { common } from "#words/common";
import { generation as words } from "#words/generation";

interface CopyProps {
  store: Store;
  generation: GenerationStore;
}

/** Copies what was generated to the clipboard. */
export function Copy({ store, generation }: CopyProps) {
  return (
    <Actions
      name={words.copy}
      disabled={generation.prompt.value === null}
      onError={(error) => store.say(error)}
      actions={{
        [common.text]: async () => copied((await generation.copy()).text),
        [words.copyIds]: async () => copied(JSON.stringify((await generation.copy()).ids)),
        [words.copyCall]: async () => copied((await generation.copy()).call),
      }}
    />
  );
}
