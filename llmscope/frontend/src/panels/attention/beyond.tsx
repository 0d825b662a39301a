import type { RefObject } from "preact";
import { px } from "../../draw/canvas";
import type { Matrix } from "../../store/attention/types";
import { Label, plain } from "../../ui/label";
import { strongest } from "../../ui/strongest";
import { attention } from "#words/attention";
import type { End, Layout, Strand } from "./paint-arcs";

interface BeyondProps {
  page: RefObject<HTMLElement | null>;
  matrix: Matrix;
  end: End | null;
  strands: Strand[];
  layout: Layout;
}

/** Where the strongest tie of the token that is looked at is out of sight: a way to it, between the columns. */
export function Beyond({ page, matrix, end, strands, layout }: BeyondProps) {
  const { row, top, height, label } = layout;
  let best: { index: number; weight: number } | null = null;
  for (const { line } of strands) {
    if (!line) continue;
    const index = strongest(line.weights);
    const weight = line.weights[index]!;
    if (weight > (best?.weight ?? 0)) best = { index, weight };
  }
  if (!end || !best) return null;
  const y = best.index * row;
  const isAbove = y + row / 2 < top;
  if (!isAbove && y + row / 2 <= top + height) return null;
  const others = end.direction === "from" ? matrix.sides.keys : matrix.sides.queries;
  return (
    <button
      type="button"
      class={`beyond ${end.direction}`}
      title={attention.arcs.beyond}
      style={{
        top: px(isAbove ? top : top + height - row),
        height: px(row),
        [end.direction === "from" ? "right" : "left"]: px(label),
        maxWidth: `calc(100% - ${px(2 * label)})`,
      }}
      onClick={() => {
        page.current!.scrollTop = y - (height - row) / 2;
        page.current!.focus({ preventScroll: true }); // It goes away itself.
      }}
    >
      {isAbove ? "↑" : "↓"}{" "}
      <span class="name ellipsis">
        <Label text={plain(others[best.index]?.label ?? "")} />
      </span>
    </button>
  );
}
