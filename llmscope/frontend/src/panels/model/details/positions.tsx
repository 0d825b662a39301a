import type { BiasBox, PositionsBox } from "../../../protocol/model";
import { component } from "../../../ui/format";
import { model as words } from "#words/model";
import { fill } from "../../../words/fill";
import { Curves } from "./curves";
import { Line } from "./line";

/** The vector that is added at a position, and how like those of other positions it is. */
export function Positions({ answer, position }: { answer: PositionsBox; position: number }) {
  const cosines = Array.from(answer.cosines.data);
  return (
    <>
      <Line name={fill(words.row, { row: answer.row ?? position })} point={answer.vector} />
      <Curves
        label={words.likeness}
        across={words.likeness}
        at={cosines.map((_, index) => index)}
        main={cosines}
        here={position}
      />
    </>
  );
}

/** What is added to the score of each key, by its distance. */
export function Bias({ answer }: { answer: BiasBox }) {
  const { distances, bias, slopes, buckets, table, head } = answer;
  const at = Array.from(distances.data);
  const heads = slopes?.data.length ?? table?.shape[1] ?? 0;
  const of = (one: number) =>
    at.map((distance, key) =>
      slopes
        ? -slopes.data[one]! * Math.abs(distance)
        : table && buckets
          ? table.data[buckets.data[key]! * table.shape[1]! + one]!
          : NaN,
    );
  const others = Array.from({ length: heads }, (_, one) => one).filter((one) => one !== head);
  const said = slopes && fill(words.slope, { slope: component(slopes.data[head]!) });
  return (
    <>
      <Curves
        label={fill(words.biasOf, { head })}
        across={words.distance}
        at={at}
        main={Array.from(bias.data)}
        others={others.map(of)}
        here={0}
      />
      <p class="muted figures">
        {[fill(words.biasOf, { head }), said, others.length > 0 && words.otherHeads]
          .filter(Boolean)
          .join(" · ")}
      </p>
    </>
  );
}
