import type { EmbeddingBox } from "../../../protocol/model";
import { twoDecimals } from "../../../ui/format";
import { Label } from "../../../ui/label";
import { model as words } from "#words/model";
import { Line } from "./line";

/** The vector of a token, and the tokens whose vectors are most like it. */
export function Embedding({ answer: { vector, labels, cosines } }: { answer: EmbeddingBox }) {
  return (
    <>
      <Line name={words.itsVector} point={vector} />
      <p class="muted">{words.nearest}</p>
      <ol class="model-nearest list figures">
        {labels.map((label, index) => (
          <li key={index}>
            <span class="ellipsis">
              <Label text={label} />
            </span>
            <i style={{ "--share": Math.max(0, cosines.data[index]!) }} />
            <small>{twoDecimals(cosines.data[index]!)}</small>
          </li>
        ))}
      </ol>
    </>
  );
}
