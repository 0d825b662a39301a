import { SIDES } from "../../protocol/shared";
import type { Store } from "../../store/store";
import { Segmented } from "../../ui/segmented";
import { edits as words } from "#words/edits";

/** What is shown of a text under edits: it, the text without them, or the difference. */
export function Sides({ store: { whatIf } }: { store: Store }) {
  if (!whatIf.canEdit || whatIf.edits.value.length === 0) return null;
  return (
    <span class="sides" title={words.sidesTitle}>
      <Segmented
        label={words.sides}
        options={SIDES}
        names={words.side}
        value={whatIf.side.value}
        onPick={(side) => whatIf.turn(side)}
      />
    </span>
  );
}
