import { useSignal } from "@preact/signals";
import { common } from "#words/common";

const MOMENT = 1500; // ms

interface ActionsProps {
  /** What the menu is called. */
  name: string;
  /** What can be done, by its name; each says how it went. */
  actions: Record<string, () => Promise<string>>;
  disabled: boolean;
  onError: (error: unknown) => void;
}

/** A menu that does what is chosen, and says for a moment how it went. */
export function Actions({ name, actions, disabled, onError }: ActionsProps) {
  const said = useSignal("");
  const act = async (action: string) => {
    said.value = "…";
    said.value = await actions[action]!().catch((error: unknown) => {
      onError(error);
      return "";
    });
    setTimeout(() => (said.value = ""), MOMENT);
  };
  return (
    <select
      data-tool
      aria-label={name}
      disabled={disabled}
      value=""
      onChange={(event) => {
        void act(event.currentTarget.value);
        event.currentTarget.value = "";
      }}
    >
      <option value="" hidden>
        {said.value || name}
      </option>
      {Object.keys(actions).map((action) => (
        <option key={action} value={action}>
          {action}
        </option>
      ))}
    </select>
  );
}

/** Copies a text to the clipboard, and says whether it could. */
export const copied = async (text: string): Promise<string> => {
  try {
    await navigator.clipboard.writeText(text);
    return common.copied;
  } catch {
    return common.notAllowed; // or there is none, as on pages that came by plain HTTP
  }
};
