import { useContext, useLayoutEffect, useRef } from "preact/hooks";
import { prepare } from "../../draw/canvas";
import { rgb } from "../../draw/color-scale";
import { heatmaps, stamp } from "../../draw/heatmap";
import { INK, ThemeContext } from "../../host/colors";
import type { ThumbnailsAnswer } from "../../protocol/answers";
import type { Request } from "../../protocol/keys";
import type { Kind } from "../../protocol/shared";
import type { Place } from "../../store/model";
import { useSize } from "../../ui/use-size";
import { PictureContext } from "./context";

const GAP = 0.12; // of a square

/** The weights of all heads of a box, as small squares: the head in focus is framed. */
export function Heads({ place }: { place: Place }) {
  const { box, layer } = place;
  const { store, told } = useContext(PictureContext);
  const theme = useContext(ThemeContext).value;
  const room = useRef<HTMLSpanElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = useSize(room);
  const { layer: now, head } = store.state;
  const heads = Number(box.facts.heads);
  const request: Request = {
    type: "thumbnails",
    trace: store.trace.value!.name,
    kind: box.facts.kind as Kind,
    layer: layer!,
  };
  const read = store.answer<ThumbnailsAnswer>(request).value;
  const [columns, size] = gridOf(heads, width, height);
  const here = layer === now.value ? head.value : -1;
  useLayoutEffect(() => {
    if (width === 0 || size <= 0) return;
    const context = prepare(canvas.current!, width, height);
    const { attention, cell } = INK[theme];
    const rows = Math.ceil(heads / columns);
    const [left, top] = [(width - columns * size) / 2, (height - rows * size) / 2];
    const side = size * (1 - GAP);
    const pictures = read && heatmaps(read.shades, { ink: attention, scale: "sqrt", threshold: 0 });
    for (let index = 0; index < heads; index++) {
      const x = left + (index % columns) * size;
      const y = top + Math.floor(index / columns) * size;
      context.fillStyle = cell;
      context.fillRect(x, y, side, side);
      const picture = pictures?.[index];
      if (picture) stamp(context, picture, x, y, side, side);
      if (index !== here) continue;
      context.strokeStyle = rgb(attention);
      context.lineWidth = 2;
      context.strokeRect(x - 1, y - 1, side + 2, side + 2);
    }
  }, [read, width, height, heads, here, theme]);
  const headAt = ({ offsetX, offsetY }: MouseEvent): number | null => {
    const rows = Math.ceil(heads / columns);
    const column = Math.floor((offsetX - (width - columns * size) / 2) / size);
    const row = Math.floor((offsetY - (height - rows * size) / 2) / size);
    const found = row * columns + column;
    return column >= 0 && column < columns && row >= 0 && found < heads ? found : null;
  };
  // The box around it leads on.
  const choose = (event: MouseEvent) => {
    const found = headAt(event);
    if (found !== null) store.attention.keep({ layer: layer!, head: found });
  };
  const tell = (event: MouseEvent) =>
    void (told.value = { what: "box", place, head: headAt(event) ?? undefined });
  return (
    <span ref={room} class="model-heads" aria-hidden="true">
      <canvas ref={canvas} onClick={choose} onPointerMove={tell} />
    </span>
  );
}

/** How many squares are beside each other for all to be as large as there is room for, and that size. */
function gridOf(count: number, width: number, height: number): [columns: number, size: number] {
  let best: [number, number] = [1, 0];
  for (let columns = 1; columns <= count; columns++) {
    const size = Math.min(width / columns, height / Math.ceil(count / columns));
    if (size > best[1]) best = [columns, size];
  }
  return best;
}
