import type { Edit } from "../../protocol/edits";
import { amountOf } from "../../store/amounts";
import type { Store } from "../../store/store";
import { common } from "#words/common";
import { edits as words } from "#words/edits";
import { fill } from "../../words/fill";
import { setting } from "../../ui/format";
import { Amount } from "./amount";

/** What is changed of the model for this text, each with a way back. */
export function Changes({ store }: { store: Store }) {
  const { whatIf } = store;
  const edits = whatIf.edits.value;
  if (edits.length === 0) return null;
  return (
    <ul class="changes" aria-label={words.title}>
      {edits.map((edit, index) => (
        <li key={keyOf(edit)} class={edit.do === "ablate" ? "is-off" : ""}>
          <span class="ellipsis">{textOf(edit, whatIf.amounts.of(index))}</span>
          {whatIf.canEdit && amountOf(edit) !== undefined && (
            <Amount store={store} edit={edit} index={index} name={textOf(edit)} />
          )}
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

/** The same while its amount is dragged. */
const keyOf = ({ scale: _, factor: __, ...edit }: Edit): string => JSON.stringify(edit);

/** An edit in a few words. */
export function textOf(edit: Edit, amount = amountOf(edit)): string {
  const {
    do: done,
    part: [what, layer, head],
    by,
    edge,
    direction,
  } = edit;
  const part = fill(words.parts[what], { layer, head: head ?? "" });
  if (done === "scale") return fill(words.scaled, { part, factor: setting(amount!) });
  if (done === "patch") return patchOf(edit, part);
  if (done === "steer") {
    const scale = setting(amount!);
    if (typeof direction?.[0] === "number") return fill(words.steered, { part, scale });
    const [to, from] = (direction as string[]).map(short) as [string, string];
    return fill(words.steeredBetween, { part, scale, to, from });
  }
  if (edge) return fill(words.edge, { part, query: edge[0], key: edge[1] });
  return fill(by === "mean" || by === "uniform" ? words.offBy[by] : words.off, { part });
}

const SHORT = 28; // characters of a text

const short = (text: string): string =>
  text.length > SHORT ? `${text.slice(0, SHORT).trimEnd()}…` : text;

function patchOf({ source, positions }: Edit, part: string): string {
  const text = short(String(source?.[0] ?? ""));
  if (!positions) return fill(words.patched, { part, text });
  const at = positions.map((pair) => (pair as readonly number[])[0]).join(common.names);
  return fill(words.patchedAt, { part, at, text });
}
