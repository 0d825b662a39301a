import { useContext } from "preact/hooks";
import { component, fourFigures } from "../../ui/format";
import { model as words } from "#words/model";
import { fill } from "../../words/fill";
import { PictureContext, type Told } from "./context";
import { kindOf, said, titleOf } from "./names";

/** A line below the picture: what is under the mouse, or has the focus. */
export function Reading() {
  const { told } = useContext(PictureContext);
  return (
    <p class="model-reading lines figures" role="status">
      {told.value ? <About told={told.value} /> : <Legend />}
    </p>
  );
}

/** What the colours mean; or why there are no numbers. */
function Legend() {
  const { anatomy } = useContext(PictureContext).store;
  const why = anatomy.numbersLack.value;
  if (why) return <>{why}</>;
  return (
    <span class="muted">
      <i class="swatch" /> <i class="swatch below" /> {words.legend}
    </span>
  );
}

function About({ told }: { told: Told }) {
  const { store } = useContext(PictureContext);
  const { anatomy } = store;
  if (told.what === "box") {
    const { place, head } = told;
    const run = place.layer === null ? null : anatomy.runOf(place.layer);
    return (
      <>
        <b>{titleOf(place.box)}</b>{" "}
        {[...(head === undefined ? [] : [fill(words.head, { head })]), ...said(place, run)].join(
          " · ",
        )}
      </>
    );
  }
  if (told.what === "block") {
    const length = anatomy.stream.value?.answer.lengths[told.layer]?.at(-1);
    return (
      <>
        {fill(words.bar, {
          layer: told.layer,
          kind: kindOf(anatomy.runOf(told.layer)),
          length: length === undefined ? "…" : component(length),
        })}
      </>
    );
  }
  const { name, point, index } = told;
  const { data } = point.values!;
  return (
    <>
      <b>{name}</b>{" "}
      {index.value === null
        ? fill(words.length, { length: component(point.length) })
        : fill(words.number, {
            index: index.value,
            count: data.length,
            value: fourFigures(data[index.value]!),
          })}
    </>
  );
}
