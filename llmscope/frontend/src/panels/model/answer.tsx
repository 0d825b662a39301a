import { useContext } from "preact/hooks";
import type { Place } from "../../store/model";
import { percent, rounded } from "../../ui/format";
import { Label } from "../../ui/label";
import { BoxButton } from "./box";
import { PictureContext } from "./context";

const SHOWN = 5;

/** Softmax, and the tokens that it finds likeliest. */
export function Answer({ place }: { place: Place }) {
  const { store } = useContext(PictureContext);
  const top = store.anatomy.stream.value?.answer.top;
  return (
    <BoxButton place={place} class="model-answer" facts={[]}>
      <span class="model-top figures">
        {Array.from({ length: SHOWN }, (_, rank) => {
          const [label, prob = 0] = [top?.labels[rank], top?.probs.data[rank]];
          return (
            <span key={rank} title={label === undefined ? "" : percent(prob)}>
              <span class="ellipsis">{label !== undefined && <Label text={label} />}</span>
              <i style={{ "--share": prob }} />
              <small>{label !== undefined && rounded(prob)}</small>
            </span>
          );
        })}
      </span>
    </BoxButton>
  );
}
