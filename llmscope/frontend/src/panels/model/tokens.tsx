import { useContext } from "preact/hooks";
import type { Box } from "../../protocol/model";
import type { TowerName } from "../../protocol/shared";
import { count } from "../../ui/format";
import { Label } from "../../ui/label";
import { clamp } from "../../ui/scale";
import { model as words } from "#words/model";
import { PictureContext } from "./context";

const SHOWN = 5;

/** Tokens around the one in focus, with their ids. */
export function Tokens({ box, tower }: { box: Box; tower: TowerName }) {
  const { store, told } = useContext(PictureContext);
  const { anatomy } = store;
  const tokens = anatomy.tokensOf(tower);
  const here = anatomy.position.value;
  const first = clamp(here - Math.floor(SHOWN / 2), 0, Math.max(0, tokens.length - SHOWN));
  const tell = () => void (told.value = { what: "box", place: { box, tower, layer: null } });
  return (
    <div
      class="model-tokens"
      role="group"
      aria-label={words.kinds.tokens}
      onPointerEnter={tell}
      onPointerLeave={() => void (told.value = null)}
    >
      <b>{words.kinds.tokens}</b>
      <ol class="list figures">
        {tokens.slice(first, first + SHOWN).map(({ id, label }, index) => (
          <li key={first + index}>
            <button
              type="button"
              tabIndex={-1}
              aria-pressed={first + index === here}
              onClick={() => store.pin(first + index, tower === "self" ? sideOf(store) : "tokens")}
            >
              <span class="ellipsis">
                <Label text={label} />
              </span>
              <small>{count(id)}</small>
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** The side of the text that a decoder, or the only tower, reads. */
const sideOf = ({ trace }: { trace: { value: { target: unknown[] } | null } }) =>
  trace.value!.target.length > 0 ? ("target" as const) : ("tokens" as const);
