import { useContext } from "preact/hooks";
import { rgb } from "../../draw/color-scale";
import { INK, ThemeContext } from "../../host/colors";
import type { Theme } from "../../host/theme";
import type { Head } from "../../store/attention/types";
import { distanceOf } from "../../store/distances";
import type { Store } from "../../store/store";
import { compare } from "#words/compare";
import { training } from "#words/training";
import { fill } from "../../words/fill";
import type { Grid } from "../../ui/head-grid";

const LEAST = 1e-3; // the end of the scale, where all heads are as good as equal

/** In the words of two texts, or of two steps. */
export const wordsOf = ({ sides }: Store) =>
  sides.of === "steps" ? training.difference.heads : compare.heads;

/** Whether heads are coloured by how far they are apart. */
export const showsDistances = ({ sides }: Store): boolean => sides.comparesHeads.value;

/** The greatest distance of all heads: the end of the scale. */
function greatest({ sides }: Store): number {
  let most = LEAST;
  for (const distance of sides.distances.value?.distances.data ?? [])
    if (distance > most) most = distance;
  return most;
}

const distanceText = (distance: number | undefined): string => distance?.toFixed(3) ?? "–";

/** How far the head in focus, or under the mouse, is apart. */
export function DistanceOf({ store, here }: { store: Store; here: Head }) {
  const theme = useContext(ThemeContext).value;
  const most = greatest(store);
  const ink = INK[theme].attention;
  const words = wordsOf(store);
  return (
    <>
      <span class="spread here">
        {words.here} <span>{distanceText(distanceOf(store.sides.distances.value, here))}</span>
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
export function explainedDistances(store: Store): string {
  const { why, distances } = store.sides;
  const words = wordsOf(store);
  return why.value ?? (distances.value ? words.explained : words.reading);
}

/** Colours heads by how far they are apart. */
export function paintDistances(
  context: CanvasRenderingContext2D,
  { places, size }: Grid,
  store: Store,
  theme: Theme,
): void {
  const { sides, attention } = store;
  const found = sides.distances.value;
  const most = greatest(store);
  const isOwn = found?.kind === attention.kind.value && !sides.why.value;
  for (const place of places) {
    context.globalAlpha = 1;
    context.fillStyle = INK[theme].cell;
    context.fillRect(place.x, place.y, size, size);
    const distance = isOwn ? distanceOf(found, place) : undefined;
    if (distance === undefined) continue;
    // Those of before stay, pale, until the new ones are there.
    context.globalAlpha = found?.of === sides.pair.value ? 1 : 0.35;
    context.fillStyle = rgb(INK[theme].attention, distance / most);
    context.fillRect(place.x, place.y, size, size);
  }
}
