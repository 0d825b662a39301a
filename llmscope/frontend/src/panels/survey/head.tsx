import { useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import { EXAMPLES, TEXTS_BLOCK } from "../../protocol/shared";
import type { Store } from "../../store/store";
import { useScale } from "../../ui/em";
import { percent, plural, roundedWeight } from "../../ui/format";
import { Label } from "../../ui/label";
import { Segmented } from "../../ui/segmented";
import { useWidth } from "../../ui/use-width";
import { survey as words } from "#words/survey";
import { fill } from "../../words/fill";
import { type SurveyAnswer, headOf, rowOf } from "./answer";
import { scoreText } from "./names";

const HIGH = 64; // pixels of the highest bar
const BELOW = 18; // pixels for numbers under the bars

interface HeadProps {
  store: Store;
  answer: SurveyAnswer;
  /** Of the head, in all arrays. */
  index: number;
}

/** What the head in focus does over all texts. */
export function HeadOver(props: HeadProps) {
  const { layer, head } = headOf(props.answer, props.index);
  return (
    <div class="head-over scrolls">
      <h4>{fill(words.head, { head: `${layer}·${head}` })}</h4>
      <Distances {...props} />
      <Pairs {...props} />
      <Examples {...props} />
    </div>
  );
}

function Distances({ answer, index }: HeadProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const scale = useScale();
  const shares = rowOf(answer.distances, index);
  // A bar of several distances is as high as one of them is on average.
  const heights = shares.map((share, bar) => share / (answer.bins[bar + 1]! - answer.bins[bar]!));
  const most = Math.max(...heights, Number.MIN_VALUE);
  const step = width / shares.length;
  const every = Math.max(1, Math.ceil((24 * scale) / Math.max(1, step)));
  return (
    <>
      <h5>
        {words.distances} <small>{words.distancesAbout}</small>
      </h5>
      <div ref={box} class="distances" style={{ height: px((HIGH + BELOW) * scale) }}>
        {width > 0 && (
          <svg width={width} height={(HIGH + BELOW) * scale}>
            {shares.map((share, bar) => {
              const [from, to] = [answer.bins[bar]!, answer.bins[bar + 1]! - 1];
              const distance =
                from === to ? plural(from, words.distance) : fill(words.range, { from, to });
              const high = (heights[bar]! / most) * HIGH * scale;
              return (
                <g key={bar}>
                  <title>{fill(words.bar, { share: percent(share), distance })}</title>
                  <rect class="around" x={bar * step} y={0} width={step} height={HIGH * scale} />
                  <rect
                    class="bar"
                    x={bar * step + 0.5}
                    y={HIGH * scale - high}
                    width={Math.max(1, step - 1)}
                    height={high}
                  />
                  {bar % every === 0 && (
                    <text
                      x={bar * step + step / 2}
                      y={(HIGH + 14) * scale}
                      style={{ textAnchor: "middle" }}
                    >
                      {from}
                    </text>
                  )}
                </g>
              );
            })}
          </svg>
        )}
      </div>
    </>
  );
}

function Pairs({ answer, index }: HeadProps) {
  const [queries, keys] = [rowOf(answer.queries, index), rowOf(answer.keys, index)];
  const weights = rowOf(answer.weights, index);
  const labels = new Map(answer.labels.map((label, at) => [answer.ids.data[at]!, label]));
  const known = queries.filter((id) => id >= 0).length;
  return (
    <>
      <h5>
        {words.pairs} <small>{words.pairsAbout}</small>
      </h5>
      <ol class="list pairs figures">
        {known === 0 && <li class="muted">{words.noPairs}</li>}
        {queries.slice(0, known).map((query, at) => (
          <li key={at}>
            <span class="ellipsis">
              <Label text={labels.get(query)!} /> → <Label text={labels.get(keys[at]!)!} />
            </span>{" "}
            <span class="muted">{roundedWeight(weights[at]!)}</span>
          </li>
        ))}
      </ol>
    </>
  );
}

function Examples({ store, answer, index }: HeadProps) {
  const kind = store.state.examples.value;
  const texts = rowOf(answer[kind], index);
  const values = rowOf(answer[`${kind}_activity`], index);
  const textOf = (number: number): string | null => {
    const block = Math.floor(number / TEXTS_BLOCK);
    const request = { type: "survey_texts", block } as const;
    if (store.lacks(request)) return null;
    const found = store.lasting.watch<{ texts: string[] }>(request).value;
    return found?.texts[number - block * TEXTS_BLOCK] ?? null;
  };
  return (
    <>
      <div class="title flow">
        <h5>{words.examples}</h5>
        <Segmented
          label={words.kindsLabel}
          options={EXAMPLES}
          names={words.kinds}
          value={kind}
          onPick={(picked) => (store.state.examples.value = picked)}
        />
      </div>
      <ol class="list examples figures">
        {texts.map((number, at) => (
          <Example
            key={number}
            store={store}
            text={textOf(number)}
            value={values[at]!}
            decile={kind === "deciles" && texts.length === 10 ? at + 1 : null}
          />
        ))}
      </ol>
    </>
  );
}

interface ExampleProps {
  store: Store;
  /** `null` until it is there. */
  text: string | null;
  value: number;
  decile: number | null;
}

/** A text in which a head acts: a click opens it below. */
function Example({ store, text, value, decile }: ExampleProps) {
  const input = { text: text ?? "", pair: "", target: "", masked: [] };
  const isHere = text !== null && store.state.text.value === text;
  const lacking = text === null || isHere ? null : store.lacks({ type: "text", ...input });
  const shown = { value: scoreText(value) };
  const title =
    decile === null ? fill(words.activity, shown) : fill(words.tenth, { decile, ...shown });
  return (
    <li>
      <button
        type="button"
        class="example"
        aria-current={isHere ? "true" : undefined}
        aria-disabled={lacking !== null}
        title={lacking ?? title}
        onClick={() => lacking === null && text !== null && store.editor.show(input)}
      >
        <span class="muted">{scoreText(value)}</span>
        <span class="ellipsis">{text ?? "…"}</span>
      </button>
    </li>
  );
}
