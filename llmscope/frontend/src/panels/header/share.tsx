import { addressHere } from "../../host/address";
import type { Store } from "../../store/store";
import { Actions, copied } from "../../ui/actions";
import { download } from "../../ui/download";
import { header as words } from "#words/header";

/** Takes the view out of the notebook: as a page, or as the Python that makes it; out of a page its address. */
export function Share({ store }: { store: Store }) {
  const isGone = store.isGone.value;
  const here = addressHere.value;
  if (here)
    return (
      <Actions
        name={words.share}
        disabled={false}
        onError={(error) => store.say(error)}
        actions={{ [words.copyAddress]: () => copied(here()) }}
      />
    );
  if (!isGone && store.lacks({ type: "page" })) return null;
  return (
    <Actions
      name={words.share}
      disabled={isGone || !store.trace.value}
      onError={(error) => store.say(error)}
      actions={{
        [words.savePage]: async () => {
          download(new Blob([await store.page()], { type: "text/html" }), "llmscope.html");
          return words.saved;
        },
        [words.copyPython]: async () => copied(await store.call()),
      }}
    />
  );
}
