import { px } from "../../draw/canvas";
import type { Grid } from "../../ui/head-grid";

/** Around the MLP of a layer. */
export function StripFrame({ grid, layer }: { grid: Grid; layer: number | null }) {
  const strip = grid.strips.find((one) => one.layer === layer);
  if (!strip) return null;
  const { x, y, width, height } = strip;
  const style = { left: px(x), top: px(y), width: px(width), height: px(height) };
  return <div class="frame preview" style={style} />;
}
