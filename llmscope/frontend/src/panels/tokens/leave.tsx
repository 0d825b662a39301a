import { edits as words } from "#words/edits";

/** Leaves a line that something is typed into, and all as it was. */
export function LeaveButton({ onLeave }: { onLeave: () => void }) {
  return (
    <button
      type="button"
      class="quiet"
      aria-label={words.leave}
      title={words.leave}
      onClick={onLeave}
    >
      ×
    </button>
  );
}
