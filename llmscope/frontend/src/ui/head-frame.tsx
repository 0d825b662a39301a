import { useContext } from "preact/hooks";
import { px } from "../draw/canvas";
import { rgb } from "../draw/color-scale";
import { INK, ThemeContext } from "../host/colors";
import type { Head } from "../store/attention/types";
import { type Grid, placeOf } from "./head-grid";

interface FrameProps {
  grid: Grid;
  at: Head | null;
  kind: string;
  color?: string;
}

/** Around a head, or across it. */
export function Frame({ grid, at, kind, color }: FrameProps) {
  const place = placeOf(grid, at);
  if (!place) return null;
  const size = px(grid.size);
  const style = { left: px(place.x), top: px(place.y), width: size, height: size };
  return <div class={`frame ${kind}`} style={{ ...style, ...(color && { "--head": color }) }} />;
}

/** Around each of the chosen heads, in its colour. */
export function ChosenFrames({
  grid,
  heads,
}: {
  grid: Grid;
  heads: readonly (readonly number[])[];
}) {
  const theme = useContext(ThemeContext).value;
  return (
    <>
      {heads.map(([layer, head], index) => (
        <Frame
          key={`${layer}.${head}`}
          grid={grid}
          at={{ layer: layer!, head: head! }}
          kind="chosen"
          color={rgb(INK[theme].heads[index]!)}
        />
      ))}
    </>
  );
}
