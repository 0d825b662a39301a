import { useContext } from "preact/hooks";
import type { Tower } from "../../protocol/model";
import { count, plural } from "../../ui/format";
import { common } from "#words/common";
import { model as words } from "#words/model";
import { fill } from "../../words/fill";
import { PictureContext } from "./context";

/** The tower that isn't in focus, in a line: a click unfolds it. */
export function Folded({ tower: { tower, blocks, width } }: { tower: Tower }) {
  const { store } = useContext(PictureContext);
  const tokens = store.anatomy.tokensOf(tower).length;
  return (
    <button
      type="button"
      class={`model-folded ${tower}`}
      title={words.foldedTitle}
      onClick={() => void (store.state.kind.value = tower === "encoder" ? "encoder" : "self")}
    >
      <b>{words.towers[tower]}</b>
      <span>
        {fill(words.folded, {
          tokens: plural(tokens, common.tokens),
          blocks: plural(blocks, words.blocks),
          width: count(width),
        })}
      </span>
      <small>{words.crossing[tower]}</small>
    </button>
  );
}
