import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Store } from "../../store/store";
import { plural } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { TextArea } from "../../ui/text-area";
import { common } from "#words/common";
import { edits as words } from "#words/edits";
import { fill } from "../../words/fill";
import { LeaveButton } from "./leave";

/** The line that a second text is typed into. */
export function SecondText({ store }: { store: Store }) {
  const { source } = store.whatIf;
  const area = useRef<HTMLTextAreaElement>(null);
  const value = useComputed(() => source.draft.value ?? "");
  const typed = useSignal(value.peek());
  useEffect(() => {
    const around = area.current!.closest<HTMLElement>(".under");
    area.current!.focus();
    // What has the focus goes away: keys, such as that to undo, then belong to the line around it.
    return () => around?.focus({ preventScroll: true });
  }, []);
  const keys = onKeys("second", {
    take: ({ event }) => (event.shiftKey ? false : source.take()),
    leave: () => source.leave(),
  });
  const isWrong = source.refused.value !== null || (source.counts.value && source.isUneven.value);
  return (
    <div class="asked">
      <span>{words.second}</span>
      <TextArea
        area={area}
        value={value}
        typed={typed}
        name={words.secondName}
        placeholder={words.secondPlaceholder}
        onEdit={(text) => source.type(text)}
        onKeyDown={keys}
      />
      <span class="asked-buttons">
        <button type="button" title={words.takeTitle} onClick={() => source.take()}>
          {words.take}
        </button>
        {source.text.value && (
          <button type="button" class="quiet" onClick={() => source.remove()}>
            {words.without}
          </button>
        )}
        <LeaveButton onLeave={() => source.leave()} />
      </span>
      <span class={`counted ${isWrong ? "wrong" : ""}`} role="status">
        {countedIn(store)}
      </span>
    </div>
  );
}

/** Opens that line; says which text parts are taken from. */
export function SecondTextButton({ store }: { store: Store }) {
  const { source, canEdit } = store.whatIf;
  if (!canEdit) return null;
  const text = source.text.value;
  const isUneven = text !== "" && !!source.counts.value && source.isUneven.value;
  const said = isUneven ? countedIn(store) : text ? fill(words.from, { text }) : words.secondOpen;
  return (
    <button
      type="button"
      class={`quiet ellipsis second ${isUneven ? "wrong" : ""}`}
      title={`${said}\n${words.secondTitle}`}
      onClick={() => store.whatIf.ask("source")}
    >
      {said}
    </button>
  );
}

/** How many tokens the second text has, beside those of the text. */
function countedIn({ whatIf: { source } }: Store): string {
  if (source.refused.value !== null) return source.refused.value;
  if (!source.counts.value) return source.draft.value === "" ? "" : words.counting;
  const { here, there } = source.counts.value;
  if (here !== there) return fill(words.uneven, { here, there });
  return fill(words.even, { tokens: plural(here, common.tokens) });
}
