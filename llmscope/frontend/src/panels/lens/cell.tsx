import type { Store } from "../../store/store";
import { bits, count, percent } from "../../ui/format";
import { Label, plain } from "../../ui/label";

const STREAM = { block: "Layer", attention: "Attention of layer", mlp: "MLP of layer" };

/** What one cell says: the one under the mouse, and else the one in focus. */
export function CellReading({ store }: { store: Store }) {
  const { lens, state } = store;
  const cell = lens.hovered.value ?? lens.focus.value;
  const [row, position] = cell;
  const reading = lens.read(cell);
  const isMasked = store.model.value!.family === "masked";
  const token = (place: number) => <Label text={plain(lens.tokens.value[place]?.label ?? "")} />;
  const none = isMasked ? "hidden by the mask" : "none (end)";
  const facts = reading && {
    "next token in text": reading.rank < 0 ? none : token(isMasked ? position : position + 1),
    rank: reading.rank < 0 ? "–" : count(reading.rank + 1),
    probability: reading.rank < 0 ? "–" : percent(reading.trueProb),
    entropy: bits(reading.entropy),
    "KL to final prediction": bits(reading.divergence),
  };
  return (
    <div class="lens-reading figures" role="status">
      <h4>
        {row === 0 ? "Embeddings" : `${STREAM[state.stream.value]} ${row - 1}`}{" "}
        <small>
          {isMasked ? "at" : "after"} “{token(position)}”
        </small>
      </h4>
      <dl>
        {reading?.top.map(({ label, prob }) => [
          <dt class="name">
            <Label text={label} />
          </dt>,
          <dd>
            <i style={{ "--shade": prob }} />
            {percent(prob)}
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
