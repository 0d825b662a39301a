import { useSignal } from "@preact/signals";
import { useContext, useMemo } from "preact/hooks";
import type { Point } from "../../protocol/model";
import { component } from "../../ui/format";
import { Strip } from "../../ui/strip";
import { model as words } from "#words/model";
import { fill } from "../../words/fill";
import { PictureContext } from "./context";

const FULL = 0.98; // of the numbers are drawn in their own depth, and those beyond in full colour

/** Points whose numbers are no numbers of the stream, though there may be as many. */
const ELSEWHERE = /heads$|\.neurons$/;

interface VectorProps {
  name: string;
  /** `null` until it is read. */
  point: Point | null | undefined;
  upright?: boolean;
}

/** A vector of the token in focus; before it is there, its place. */
export function Vector({ name, point, upright = false }: VectorProps) {
  const { store, told } = useContext(PictureContext);
  const own = useSignal<number | null>(null);
  const values = point?.values?.data as Float32Array | undefined;
  const most = useMemo(() => (values ? depthOf(values) : 0), [values]);
  const isOfStream =
    values?.length === store.anatomy.tower.value?.width && !ELSEWHERE.test(point?.at ?? "");
  const index = isOfStream ? store.anatomy.followed : own;
  if (!point || !values) return <span class={`model-vector ${upright ? "upright" : ""} none`} />;
  const label = fill(words.vector, {
    name,
    count: values.length,
    length: component(point.length),
  });
  return (
    <span
      class={`model-vector ${upright ? "upright" : ""}`}
      onPointerEnter={() => void (told.value = { what: "vector", name, point, index })}
      onPointerLeave={() => void (told.value = null)}
    >
      <Strip label={label} vector={values} most={most} upright={upright} followed={index} />
    </span>
  );
}

/** The size from which numbers are drawn in full colour: a few are often far larger than all others. */
function depthOf(values: Float32Array): number {
  const sizes = values.map(Math.abs).sort();
  return sizes[Math.floor(FULL * (sizes.length - 1))] || sizes.at(-1) || 1;
}
