import type { Head } from "../store/attention/types";
import { overview as words } from "#words/overview";
import type { Grid, Place } from "./head-grid";

interface NumbersProps {
  grid: Grid;
  focus: Head;
  scale: number;
}

const LINE = 17; // pixels that a number takes, one below the other
const NUMBER = 25; // and beside each other
const AWAY = 6; // from heads, above them

/** Numbers of heads and layers, above and beside the grid: as many as there is room for. */
export function Numbers({ grid, focus, scale }: NumbersProps) {
  if (grid.isSorted) return <Ranks grid={grid} scale={scale} />;
  const { size, places, isLying } = grid;
  const is = (at: Place) => ({
    head: { number: at.head, isHere: at.head === focus.head },
    layer: { number: at.layer, isHere: at.layer === focus.layer },
  });
  const [first] = places;
  const above = places.filter(({ y }) => y === first?.y);
  const beside = places.filter(({ x }) => x === first?.x);
  /** The one in focus, and every fifth, or every one of few, that isn't too near to it. */
  const shown = (of: readonly Place[], name: "head" | "layer", apart: number) => {
    const every = name === "head" && size >= apart ? 1 : 5;
    const here = of.findIndex((place) => is(place)[name].isHere);
    const isNear = (index: number) => here >= 0 && Math.abs(index - here) * size < apart;
    return of
      .map((place, index) => ({ place, index, ...is(place)[name] }))
      .filter(({ number, index, isHere }) => isHere || (number % every === 0 && !isNear(index)));
  };
  return (
    <svg class="numbers overlay" width={grid.width} height={grid.height} aria-hidden="true">
      {shown(above, isLying ? "layer" : "head", (isLying ? NUMBER : LINE) * scale).map(
        ({ place, number, isHere }) => (
          <text
            key={`x${number}`}
            x={place.x + size / 2}
            y={place.y - (isLying ? grid.beside : AWAY * scale)}
            text-anchor="middle"
            class={isHere ? "here" : ""}
          >
            {number}
          </text>
        ),
      )}
      {shown(beside, isLying ? "head" : "layer", LINE * scale).map(({ place, number, isHere }) => (
        <text
          key={`y${number}`}
          x={place.x - (isLying ? 8 : grid.beside)}
          y={place.y + size / 2}
          text-anchor="end"
          dominant-baseline="central"
          class={isHere ? "here" : ""}
        >
          {number}
        </text>
      ))}
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
        {words.sorted}
      </text>
    </svg>
  );
}
