import { useEffect, useRef } from "preact/hooks";
import type { Store } from "../../store/store";
import { onKeys } from "../../ui/keys";
import { edits as words } from "#words/edits";
import { fill } from "../../words/fill";
import { LeaveButton } from "./leave";

/** The line that steering is typed into. */
export function Steer({ store }: { store: Store }) {
  const { whatIf, state, attention } = store;
  const { steering } = whatIf;
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const around = first.current!.closest<HTMLElement>(".under");
    first.current!.focus();
    return () => around?.focus({ preventScroll: true });
  }, []);
  const edit = steering.edit(state.layer.value, attention.kind.value);
  const add = () => {
    if (!edit) return;
    whatIf.add(edit);
    steering.leave();
  };
  const keys = onKeys("steer", { add, leave: () => steering.leave() });
  const draft = steering.draft.value!;
  return (
    <div class="asked" onKeyDown={keys}>
      <span>{fill(words.steerAt, { layer: state.layer.value })}</span>
      {(["from", "to"] as const).map((name) => (
        <label key={name} class="steer">
          {words.steer[name]}{" "}
          <input
            {...(name === "from" && { ref: first })}
            class="text-input"
            value={draft[name]}
            placeholder={words.examples[name]}
            onInput={(event) => steering.type({ [name]: event.currentTarget.value })}
          />
        </label>
      ))}
      <span class="asked-buttons">
        <button type="button" disabled={!edit} title={words.steerTitle} onClick={add}>
          {words.steerAdd}
        </button>
        <LeaveButton onLeave={() => steering.leave()} />
      </span>
    </div>
  );
}

/** Opens that line. */
export function SteerButton({ store }: { store: Store }) {
  if (!store.whatIf.canEdit) return null;
  return (
    <button
      type="button"
      class="quiet"
      title={words.steerOpenTitle}
      onClick={() => store.whatIf.ask("steering")}
    >
      {words.steerOpen}
    </button>
  );
}
