import { count, percent } from "../../math/format";
import type { Store } from "../../store/store";
import { Label, plain } from "../label";

const STREAM = { block: "Layer", attention: "Attention of layer", mlp: "MLP of layer" };

/** What one cell says: the one under the mouse, and else the one in focus. */
export function CellReading({ store }: { store: Store }) {
  const { lens, state } = store;
  const cell = lens.hovered.value ?? lens.focus.value;
  const { row, position } = cell;
  const reading = lens.read(cell);
  const isMasked = store.model.value!.family === "masked";
  const token = (place: number) => <Label text={plain(lens.tokens.value[place]?.[1] ?? "")} />;
  const isKnown = reading && reading.rank >= 0;
  const none = isMasked ? "hidden by the mask" : "the text ends here";
  const facts = {
    "true token": isKnown ? token(isMasked ? position : position + 1) : reading ? none : "…",
    "its rank": isKnown ? count(reading.rank + 1) : "–",
    "its probability": isKnown ? percent(reading.trueProb) : "–",
    entropy: reading ? `${reading.entropy.toFixed(2)} bits` : "–",
    "KL of the answer": reading ? `${reading.divergence.toFixed(2)} bits` : "–",
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
        {(reading?.top ?? Array.from({ length: 5 }, () => null)).map((one) => (
          <>
            <dt class="name">{one ? <Label text={one.label} /> : "…"}</dt>
            <dd>
              <i style={{ width: `${100 * (one?.prob ?? 0)}%` }} />
              {one && percent(one.prob)}
            </dd>
          </>
        ))}
        {Object.entries(facts).map(([name, fact]) => (
          <>
            <dt>{name}</dt>
            <dd>{fact}</dd>
          </>
        ))}
      </dl>
    </div>
  );
}
