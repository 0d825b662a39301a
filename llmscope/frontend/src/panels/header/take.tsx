import { useSignal } from "@preact/signals";
import type { Store } from "../../store/store";
import { download } from "../../ui/download";

const ACTIONS = { page: "Save as page", call: "Copy Python" };

type Action = keyof typeof ACTIONS;

/** Takes the view out of the notebook: as a page, or as the Python that makes it. */
export function Take({ store }: { store: Store }) {
  const said = useSignal("");
  const isGone = store.isGone.value;
  if (!isGone && store.lacks({ type: "page" })) return null;
  const take = async (action: Action) => {
    said.value = "…";
    said.value = await act[action](store).catch((error: Error) => {
      store.say(error);
      return "";
    });
    setTimeout(() => (said.value = ""), 1500);
  };
  return (
    <select
      data-tool
      aria-label="Take the view with you"
      disabled={isGone || !store.trace.value}
      value=""
      onChange={(event) => {
        void take(event.currentTarget.value as Action);
        event.currentTarget.value = "";
      }}
    >
      <option value="" hidden>
        {said.value || "Share"}
      </option>
      {Object.entries(ACTIONS).map(([action, name]) => (
        <option key={action} value={action}>
          {name}
        </option>
      ))}
    </select>
  );
}

const act: Record<Action, (store: Store) => Promise<string>> = {
  async page(store) {
    download(new Blob([await store.page()], { type: "text/html" }), "llmscope.html");
    return "Saved ✓";
  },
  async call(store) {
    return navigator.clipboard.writeText(await store.call()).then(
      () => "Copied ✓",
      () => "Not allowed here",
    );
  },
};
