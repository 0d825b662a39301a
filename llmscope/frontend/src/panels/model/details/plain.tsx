import type { HeadsBox, PlainBox, UnembeddingBox } from "../../../protocol/model";
import { component, percent } from "../../../ui/format";
import { Label } from "../../../ui/label";
import { model as words } from "#words/model";
import { fill } from "../../../words/fill";
import { Line } from "./line";

/** What goes in, and what comes out. */
export function Plain({ answer }: { answer: PlainBox }) {
  return (
    <>
      {answer.before && <Line name={words.before} point={answer.before} />}
      {answer.after && <Line name={words.after} point={answer.after} />}
    </>
  );
}

/** The same of heads, and how much each of them brings. */
export function HeadLengths({ answer: { before, after, lengths } }: { answer: HeadsBox }) {
  const most = Math.max(...lengths.data) || 1;
  return (
    <>
      <Line name={words.before} point={before} />
      <div class="model-experts" role="img" aria-label={words.headLengths}>
        {Array.from(lengths.data, (length, head) => (
          <span key={head} title={fill(words.length, { length: component(length) })}>
            <i style={{ "--high": `${(100 * length) / most}%` }} />
            <small>{head}</small>
          </span>
        ))}
      </div>
      <p class="muted">{words.headLengths}</p>
      <Line name={words.after} point={after} />
    </>
  );
}

/** Scores of tokens, and the probabilities that softmax makes of them. */
export function Unembedding({ answer }: { answer: UnembeddingBox }) {
  const { before, labels, logits, probs } = answer;
  return (
    <>
      <Line name={words.before} point={before} />
      <ol class="model-nearest probable list figures">
        {labels.map((label, index) => (
          <li key={index}>
            <span class="ellipsis">
              <Label text={label} />
            </span>
            <i style={{ "--share": probs.data[index]! }} />
            <small title={percent(probs.data[index]!)}>{component(logits.data[index]!)}</small>
          </li>
        ))}
      </ol>
      <p class="muted">{words.logits}</p>
    </>
  );
}
