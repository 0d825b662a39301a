import type { Edit } from "../../protocol/edits";
import type { Store } from "../../store/store";
import { edits as words } from "#words/edits";
import { fill } from "../../words/fill";
import { significant } from "../../ui/format";

/** What is changed of the model for this text, each with a way back. */
export function Changes({ store: { whatIf } }: { store: Store }) {
  const edits = whatIf.edits.value;
  if (edits.length === 0) return null;
  return (
    <ul class="changes" aria-label={words.title}>
      {edits.map((edit) => (
        <li key={JSON.stringify(edit)} class={edit.do === "ablate" ? "is-off" : ""}>
          <span class="ellipsis">{textOf(edit)}</span>
          {whatIf.canEdit && (
            <button
              type="button"
              aria-label={fill(words.on, { edit: textOf(edit) })}
              onClick={staying(() => whatIf.remove(edit))}
            >
              ×
            </button>
          )}
        </li>
      ))}
      {whatIf.canEdit && edits.length > 1 && (
        <li class="all">
          <button
            type="button"
            class="quiet"
            title={words.allOnTitle}
            onClick={staying(() => whatIf.clear())}
          >
            {words.allOn}
          </button>
        </li>
      )}
    </ul>
  );
}

/** What is clicked goes away: keys, such as that to undo, then belong to the line around it. */
const staying = (act: () => void) => (event: MouseEvent) => {
  (event.currentTarget as HTMLElement).closest<HTMLElement>(".under")?.focus();
  act();
};

/** An edit in a few words. */
export function textOf(edit: Edit) {
  const {
    do: done,
    part: [what, layer, head],
    by,
    edge,
    factor,
    scale,
  } = edit;
  const part = fill(words.parts[what], { layer, head: head ?? "" });
  if (done === "scale") return fill(words.scaled, { part, factor: significant(factor!) });
  if (done === "patch") return patchOf(edit, part);
  if (done === "steer") return fill(words.steered, { part, scale: significant(scale!) });
  if (edge) return fill(words.edge, { part, query: edge[0], key: edge[1] });
  return fill(by === "mean" || by === "uniform" ? words.offBy[by] : words.off, { part });
}

const SHORT = 28; // characters of a second text

function patchOf({ source, positions }: Edit, part: string): string {
  const whole = String(source?.[0] ?? "");
  const text = whole.length > SHORT ? `${whole.slice(0, SHORT).trimEnd()}…` : whole;
  if (!positions) return fill(words.patched, { part, text });
  const at = positions.map((pair) => (pair as readonly number[])[0]).join(", ");
  return fill(words.patchedAt, { part, at, text });
}
