import type { Part } from "../../protocol/edits";
import type { Head } from "../../store/attention/types";
import type { Store } from "../../store/store";
import { edits as words } from "#words/edits";
import { fill } from "../../words/fill";

/** The MLP of the layer that a head is in. */
export const mlpOf = ({ layer }: Head, { attention }: Store): Part => [
  "mlp",
  layer,
  null,
  attention.kind.peek() === "encoder" ? "encoder" : "self",
];

/** Switch a head, or the MLP of its layer, off or take it from the second text. */
export function Switches({ store, here }: { store: Store; here: Head }) {
  const { whatIf, attention } = store;
  const kind = attention.kind.value;
  const head: Part = ["head", here.layer, here.head, kind];
  const mlp = mlpOf(here, store);
  const how = whatIf.source.text.value ? words.patching : words.switching;
  const isOff = whatIf.has(head) || whatIf.isOff(here, kind) || whatIf.isPatched(here, kind);
  return (
    <>
      <button
        type="button"
        class={`quiet ${whatIf.canEdit ? "" : "unseen"}`}
        title={how.title}
        onClick={() => whatIf.toggleHead(here, kind)}
      >
        {isOff ? how.back : how.act}
      </button>
      <button
        type="button"
        class={`quiet mlp ${whatIf.canEdit ? "" : "unseen"}`}
        title={how.mlpTitle}
        aria-pressed={whatIf.has(mlp)}
        onClick={() => whatIf.toggle(mlp)}
      >
        {fill(how.mlp, { layer: here.layer })}
      </button>
    </>
  );
}
