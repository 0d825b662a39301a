import type { Store } from "../../store/store";
import { bits, percent } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import { common } from "#words/common";
import { compare } from "#words/compare";
import { lens as words } from "#words/lens";
import { fill, rich } from "../../words/fill";

/** In the words of a text under edits, or of two that are compared. */
export const differenceWords = ({ comparing }: Store) =>
  comparing ? compare.lens : words.difference;

/** How far a cell is apart in two texts. */
export function DifferenceReading({ store }: { store: Store }) {
  const { lens, state } = store;
  const own = differenceWords(store);
  const cell = lens.hovered.value ?? lens.focus.value;
  const [row, position] = cell;
  const reading = lens.readDifference(cell);
  const isMasked = store.model.value!.family === "masked";
  const nameOf = (at: number) =>
    at === 0 ? words.cell.embeddings : fill(words.cell[state.stream.value], { layer: at - 1 });
  const token = <Label text={plain(lens.tokens.value[position]?.label ?? "")} />;
  return (
    <div class="lens-reading figures" role="status">
      <h4>
        {nameOf(row)} <small>{rich(isMasked ? words.at : common.after, { token })}</small>
      </h4>
      {reading ? (
        <>
          <dl>
            {(["edited", "untouched"] as const).map((side) => [
              <dt>{own[side]}</dt>,
              <dd>
                <b>{plain(reading[side].label)}</b> {percent(reading[side].prob)}
              </dd>,
            ])}
          </dl>
          <dl>
            <dt>{own.divergence}</dt>
            <dd>{bits(reading.divergence)}</dd>
            <dt>{own.parting}</dt>
            <dd>{reading.parting < 0 ? own.never : nameOf(reading.parting)}</dd>
          </dl>
        </>
      ) : (
        <p class="muted">{lens.lacks(cell) ?? "…"}</p>
      )}
    </div>
  );
}
