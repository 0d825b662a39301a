import type { Tensor } from "../../../protocol/arrays";
import type { Point } from "../../../protocol/model";
import { component } from "../../../ui/format";
import { model as words } from "#words/model";
import { fill } from "../../../words/fill";
import { Vector } from "../vector";

interface LineProps {
  name: string;
  point: Point | null;
  /** What is said at its end, in the place of its length. */
  note?: string;
}

/** A vector by its name, from side to side. */
export function Line({ name, point, note }: LineProps) {
  return (
    <div class="model-vector-line">
      <span>{name}</span>
      <Vector name={name} point={point} />
      <small class="figures">
        {note ?? (point && fill(words.length, { length: component(point.length) }))}
      </small>
    </div>
  );
}

/** Numbers as a vector of one token. */
export const pointOf = (values: Tensor | null): Point | null =>
  values && { at: "", length: Math.hypot(...Array.from(values.data)), values };
