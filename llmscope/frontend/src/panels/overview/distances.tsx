import { useContext } from "preact/hooks";
import { rgb } from "../../draw/color-scale";
import { INK, ThemeContext } from "../../host/colors";
import type { Theme } from "../../host/theme";
import type { Head } from "../../store/attention/types";
import type { Store } from "../../store/store";
import { compare } from "#words/compare";
import { fill } from "../../words/fill";
import type { Grid } from "../../ui/head-grid";

const words = compare.heads;
const LEAST = 1e-3; // the end of the scale, where all heads are as good as equal

/** Whether heads are coloured by how far they are apart. */
export const showsDistances = ({ comparing }: Store): boolean =>
  comparing?.isDifference.value ?? false;

/** The greatest distance of all heads: the end of the scale. */
function greatest({ comparing }: Store): number {
  let most = LEAST;
  for (const distance of comparing!.distances.value?.distances.data ?? [])
    if (distance > most) most = distance;
  return most;
}

const distanceText = (distance: number | undefined): string => distance?.toFixed(3) ?? "–";

/** How far the head in focus, or under the mouse, is apart. */
export function DistanceOf({ store, here }: { store: Store; here: Head }) {
  const theme = useContext(ThemeContext).value;
  const most = greatest(store);
  const ink = INK[theme].attention;
  return (
    <>
      <span class="spread here">
        {words.here} <span>{distanceText(store.comparing!.distanceOf(here))}</span>
      </span>
      <span class="spread legend">
        <span>
          <i
            class="swatch scale"
            style={{ background: `linear-gradient(90deg, ${rgb(ink, 0)}, ${rgb(ink)})` }}
          />{" "}
          {fill(words.scale, { most: distanceText(most) })}
        </span>
      </span>
      {/* As many rows as habits have. */}
      {[0, 1, 2, 3].map((row) => (
        <span key={row} />
      ))}
    </>
  );
}

/** What the colours mean; or why there are none. */
export function explainedDistances({ comparing }: Store): string {
  const { why, distances } = comparing!;
  return why.value ?? (distances.value ? words.explained : words.reading);
}

/** Colours heads by how far they are apart. */
export function paintDistances(
  context: CanvasRenderingContext2D,
  { places, size }: Grid,
  store: Store,
  theme: Theme,
): void {
  const { comparing, attention } = store;
  const found = comparing!.distances.value;
  const most = greatest(store);
  const isOwn = found?.kind === attention.kind.value && !comparing!.why.value;
  for (const place of places) {
    context.globalAlpha = 1;
    context.fillStyle = INK[theme].cell;
    context.fillRect(place.x, place.y, size, size);
    const distance = isOwn ? comparing!.distanceOf(place) : undefined;
    if (distance === undefined) continue;
    // Those of before stay, pale, until the new ones are there.
    context.globalAlpha = found?.of === comparing!.aligned.value ? 1 : 0.35;
    context.fillStyle = rgb(INK[theme].attention, distance / most);
    context.fillRect(place.x, place.y, size, size);
  }
}
