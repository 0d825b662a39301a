import { useContext } from "preact/hooks";
import { opacity, rgb, weightAt } from "../../draw/color-scale";
import type { Paint } from "../../draw/heatmap";
import { INK, ThemeContext } from "../../host/colors";
import type { Theme } from "../../host/theme";
import { COLOR_SCALES, type ColorScale } from "../../protocol/shared";
import type { Matrix } from "../../store/attention/types";
import type { Store } from "../../store/store";
import { weight } from "../../ui/format";
import { attention as words } from "#words/attention";
import { common } from "#words/common";
import { compare } from "#words/compare";
import { training } from "#words/training";
import { fill } from "../../words/fill";
import { paintOf } from "./paint";
import { SegmentFilter } from "./segments";

const SHADES = 40;
const TICKS = [0.01, 0.1, 0.5, 1];

/** What the colours mean, from which weight on they are drawn, and what is left out. */
export function Controls({ store, matrix }: { store: Store; matrix: Matrix | null }) {
  const { attention, state } = store;
  const theme = useContext(ThemeContext).value;
  const scale = state.colorScale.value;
  const threshold = state.threshold.value;
  const { ink, negative } = legendOf(store, matrix, theme);
  const shades = Array.from({ length: SHADES }, (_, i) => (i + 0.5) / SHADES);
  return (
    <>
      <div class={`controls flow ${matrix && state.mode.value !== "steps" ? "" : "unseen"}`}>
        <label class={`legend-scale ${negative ? "two-sided" : ""}`}>
          <span class="strips">
            {negative && (
              <span>
                {shades.map((shade) => (
                  <i key={shade} style={{ background: rgb(negative, 1 - shade) }} />
                ))}
              </span>
            )}
            <span>
              {shades.map((shade) => (
                <i key={shade} style={{ background: rgb(ink, shade) }} />
              ))}
              {threshold > 0 && <b style={{ width: `${100 * opacity(threshold, scale)}%` }} />}
            </span>
          </span>
          <input
            type="range"
            data-tool
            class="threshold"
            min="0"
            max="1"
            step="0.005"
            value={opacity(threshold, scale)}
            aria-label={words.threshold}
            aria-valuetext={weight(threshold)}
            title={words.thresholdTitle}
            onInput={(event) => {
              const at = weightAt(Number(event.currentTarget.value), scale);
              state.threshold.value = Number(at.toPrecision(3));
            }}
            onDblClick={() => (state.threshold.value = 0)}
          />
          <span class="ticks" aria-hidden="true">
            {negative && <span class="least">−1</span>}
            <span class="zero">0</span>
            {TICKS.filter((tick) => hasRoom(opacity(tick, scale), !!negative)).map((tick) => (
              <span key={tick} style={{ left: `${100 * opacity(tick, scale)}%` }}>
                {tick}
              </span>
            ))}
          </span>
        </label>
        <span class="figures at-least">{threshold > 0 ? `≥ ${weight(threshold)}` : ""}</span>
        <select
          data-tool
          aria-label={words.scale}
          value={scale}
          onChange={(event) => (state.colorScale.value = event.currentTarget.value as ColorScale)}
        >
          {COLOR_SCALES.map((name) => (
            <option key={name} value={name}>
              {words.scales[name]}
            </option>
          ))}
        </select>
        <button
          type="button"
          data-tool
          aria-pressed={state.hideSink.value}
          title={words.hideFirstTitle}
          onClick={() => (state.hideSink.value = !state.hideSink.value)}
        >
          {words.hideFirst}
        </button>
        {matrix && <SegmentFilter store={store} matrix={matrix} />}
        {matrix && matrix.level > 0 && (
          <select
            data-tool
            class={state.mode.value === "matrix" ? "" : "unseen"}
            aria-label={words.pool}
            value={attention.pool.value}
            onChange={(event) =>
              (attention.pool.value = event.currentTarget.value as "max" | "mean")
            }
          >
            <option value="max">{words.pools.max}</option>
            <option value="mean">{words.pools.mean}</option>
          </select>
        )}
      </div>
      <Note store={store} matrix={matrix} />
    </>
  );
}

/** Whether a tick stands clear of those at the ends; on half of a legend fewer do. */
const hasRoom = (place: number, isHalf: boolean): boolean =>
  place === 1 || (isHalf ? place > 0.25 && place < 0.8 : place > 0.12);

/** The inks of the legend: of several heads, each in its colour, none in particular. */
function legendOf(
  store: Store,
  matrix: Matrix | null,
  theme: Theme,
): Pick<Paint, "ink" | "negative"> {
  const { mode, heads } = store.state;
  if (mode.value !== "arcs" || heads.value.length === 0)
    return matrix ? paintOf(store, matrix, theme) : { ink: INK[theme].attention };
  const inks = INK[theme];
  return { ink: heads.value.length === 1 ? inks.heads[0]! : inks.text };
}

/** In the words of a text under edits, of two texts, or of two steps. */
const notesOf = ({ sides }: Store) =>
  ({ edits: words.notes, texts: compare.attention, steps: training.difference.attention })[
    sides.of
  ];

/** Says in words what isn't plain from the picture. */
function Note({ store, matrix }: { store: Store; matrix: Matrix | null }) {
  const { attention, state } = store;
  const notes: string[] = [];
  const { mode, hideSink } = state;
  if (store.sides.isDifference.value) {
    const { difference, edited } = notesOf(store);
    notes.push(mode.value === "matrix" ? difference : edited[mode.value]);
  }
  if (hideSink.value)
    notes.push(mode.value === "steps" ? words.notes.firstInSteps : words.notes.withoutFirst);
  else if (mode.value === "arcs" && attention.pinned.value > 0) notes.push(words.notes.firstInArcs);
  if (matrix?.name.how === "rollout" && mode.value === "matrix" && !hideSink.value)
    notes.push(words.notes.rollout);
  if (matrix && matrix.level > 0 && mode.value === "matrix") {
    const side = 2 ** matrix.level;
    // Of an exported page, whose weights are rounded, its foot says how true they are.
    const exact = matrix.trace.decimals ? [] : [words.notes.exact];
    notes.push(fill(words.notes.pooled[attention.pool.value], { side }), ...exact);
  }
  const all = notes.join(common.sentences);
  return (
    <p class="note lines" title={all}>
      {all}
    </p>
  );
}
