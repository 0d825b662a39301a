import type { Head } from "../../store/attention/types";
import type { Grid } from "./grid";

interface NumbersProps {
  grid: Grid;
  focus: Head;
  scale: number;
}

/** Numbers of heads above, of layers beside the grid: as many as there is room for. */
export function Numbers({ grid, focus, scale }: NumbersProps) {
  if (grid.isSorted) return <Ranks grid={grid} scale={scale} />;
  const step = grid.size < 17 * scale ? 5 : 1;
  const isBeside = (head: number) => step > 1 && Math.abs(head - focus.head) === 1;
  const middle = grid.size / 2;
  const rows = grid.places.filter(({ head }) => head === 0);
  const heads = [...new Map(grid.places.map((place) => [place.head, place])).values()];
  return (
    <svg class="numbers overlay" width={grid.width} height={grid.height} aria-hidden="true">
      {heads
        .filter(({ head }) => head === focus.head || (head % step === 0 && !isBeside(head)))
        .map(({ head, x }) => (
          <text
            key={`h${head}`}
            x={x + middle}
            y={14 * scale}
            text-anchor="middle"
            class={head === focus.head ? "here" : ""}
          >
            {head}
          </text>
        ))}
      {rows.map(({ layer, x, y }, row) => {
        const near = rows[row - 1]?.layer === focus.layer || rows[row + 1]?.layer === focus.layer;
        const tight = grid.size < 20 * scale && near;
        if (layer !== focus.layer && (layer % 5 !== 0 || tight)) return null;
        return (
          <text
            key={`l${layer}`}
            x={x - 8}
            y={y + middle}
            text-anchor="end"
            dominant-baseline="central"
            class={layer === focus.layer ? "here" : ""}
          >
            {layer}
          </text>
        );
      })}
    </svg>
  );
}

/** In an order of their own, heads have a rank instead. */
function Ranks({ grid, scale }: Omit<NumbersProps, "focus">) {
  const starts = grid.places.filter((_, i) => i % grid.across === 0);
  return (
    <svg class="numbers overlay" width={grid.width} height={grid.height} aria-hidden="true">
      {starts.map(({ x, y }, row) =>
        row % 5 === 0 ? (
          <text
            key={row}
            x={x - 8}
            y={y + grid.size / 2}
            text-anchor="end"
            dominant-baseline="central"
          >
            {row * grid.across + 1}
          </text>
        ) : null,
      )}
      <text x={grid.places[0]?.x ?? 0} y={14 * scale}>
        strongest first
      </text>
    </svg>
  );
}
