import type { Store } from "../../store/store";
import { bits, count, percent, rounded } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import { common } from "#words/common";
import { lens as words } from "#words/lens";
import { fill, rich } from "../../words/fill";

/** What one cell says: the one under the mouse, and else the one in focus. */
export function CellReading({ store }: { store: Store }) {
  const { lens, state } = store;
  const cell = lens.hovered.value ?? lens.focus.value;
  const [row, position] = cell;
  const reading = lens.read(cell);
  const isMasked = store.model.value!.family === "masked";
  const token = (place: number) => <Label text={plain(lens.tokens.value[place]?.label ?? "")} />;
  const none = isMasked ? words.masked : words.none;
  const facts = reading && {
    [words.facts.next]: reading.rank < 0 ? none : token(isMasked ? position : position + 1),
    [words.facts.rank]: reading.rank < 0 ? "–" : count(reading.rank + 1),
    [words.facts.probability]: reading.rank < 0 ? "–" : percent(reading.trueProb),
    [words.facts.entropy]: bits(reading.entropy),
    [words.facts.divergence]: bits(reading.divergence),
  };
  return (
    <div class="lens-reading figures" role="status">
      <h4>
        {row === 0
          ? words.cell.embeddings
          : fill(words.cell[state.stream.value], { layer: row - 1 })}{" "}
        <small>{rich(isMasked ? words.at : common.after, { token: token(position) })}</small>
      </h4>
      <dl>
        {reading?.top.map(({ label, prob }) => [
          <dt class="name">
            <Label text={label} />
          </dt>,
          <dd title={percent(prob)}>
            <i style={{ "--shade": prob }} />
            {rounded(prob)}
          </dd>,
        ])}
      </dl>
      {facts ? (
        <dl>{Object.entries(facts).map(([name, fact]) => [<dt>{name}</dt>, <dd>{fact}</dd>])}</dl>
      ) : (
        <p class="muted">{lens.lacks(cell) ?? "…"}</p>
      )}
    </div>
  );
}
