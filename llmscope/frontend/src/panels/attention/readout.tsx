import type { Line, Matrix } from "../../store/attention/types";
import type { Store } from "../../store/store";
import { bits, roundedWeight, weight } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import { attention } from "#words/attention";
import { compare } from "#words/compare";
import { training } from "#words/training";
import { fill } from "../../words/fill";
import { isSigned } from "./paint";

const words = attention.matrix;

interface ReadoutProps {
  store: Store;
  matrix: Matrix;
  line: Line | null;
  query: number;
  at: number;
  pinned: boolean;
}

/** What a difference is of. */
const lessOf = ({ sides }: Store): string =>
  ({
    edits: words.difference,
    texts: compare.attention.less,
    steps: training.difference.attention.less,
  })[sides.of];

/** The true weight of one cell, in words and figures. */
export function Readout({ store, matrix, line, query, at, pinned }: ReadoutProps) {
  const { queries, keys } = matrix.sides;
  const known = line && (line.direction === "from" ? line.index === query : line.index === at);
  const value = known ? line.weights[line.direction === "from" ? at : query] : undefined;
  const isDifference = isSigned(matrix);
  const isOfTwo = typeof matrix.trace.name !== "string";
  const { decimals } = matrix.trace;
  const figure = (value: number) =>
    isDifference && decimals ? value.toFixed(decimals).replace("-", "−") : weight(value);
  const sign = isOfTwo && value !== undefined && value > 0 ? "+" : "";
  const toFirst = line?.weights[0] ?? 0;
  const isRow = known && line.direction === "from" && !isDifference;

  return (
    <p class="readout figures" role="status">
      <b>
        <Label text={plain(queries[query]?.label ?? "")} /> →{" "}
        <Label text={plain(keys[at]?.label ?? "")} />
      </b>{" "}
      <span class="weight">{value === undefined ? "…" : sign + figure(value)}</span>
      {isOfTwo && <span class="muted">{lessOf(store)}</span>}
      {isRow && (
        <span class="muted">
          {store.state.hideSink.value ? (
            <span>{words.withoutFirst}</span>
          ) : (
            <span title={weight(toFirst)}>
              {fill(words.first, { weight: roundedWeight(toFirst) })}
            </span>
          )}
          <span>{fill(words.entropy, { bits: bits(entropy(line.weights)) })}</span>
          {pinned && <span>{words.pinned}</span>}
        </span>
      )}
    </p>
  );
}

function entropy(weights: Float32Array): number {
  let sum = 0;
  for (const share of weights) if (share > 0) sum -= share * Math.log2(share);
  return sum;
}
