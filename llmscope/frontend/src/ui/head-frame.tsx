import { px } from "../draw/canvas";
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
