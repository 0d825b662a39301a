import { TEXT_SHADES, type TextShade } from "../../protocol/shared";
import type { Effect } from "../../store/effects";
import type { Side, Store } from "../../store/store";
import { EffectLegend } from "../../ui/effect-legend";
import { effectText, measured } from "../../ui/effects";
import { Segmented } from "../../ui/segmented";
import { effects as words } from "#words/effects";
import { fill } from "../../words/fill";

/** Whether the text is shaded by attention or, once a token is asked about, by effects on it. */
export function ShadeBy({ store: { effects, state } }: { store: Store }) {
  if (!effects.isOn) return null;
  const shade = state.shade.value as TextShade;
  return (
    <span class="shade-by" title={words.shadeTitles[shade]}>
      <Segmented
        label={words.shadeBy}
        options={TEXT_SHADES}
        names={words.shades}
        value={shade}
        onPick={(picked) => (state.shade.value = picked)}
      />
    </span>
  );
}

/** The effect of a token of a side, or of the strongest of several that make one character. */
export function effectOn(store: Store, side: Side, tokens: readonly number[]): Effect | undefined {
  const { tokens: found, shadesText } = store.effects;
  if (!shadesText || side !== "tokens" || !found.isNew.value) return undefined;
  return tokens
    .map((token) => found.at(token))
    .reduce((most, one) => (Math.abs(one?.value ?? 0) > Math.abs(most?.value ?? 0) ? one : most));
}

/** What effects the shade is of, and how far they are true; or why there are none. */
export function EffectShade({ store }: { store: Store }) {
  const { shown, refused, isNew } = store.effects.tokens;
  if (refused.value) return <>{refused.value} </>;
  const [now, of] = [isNew.value ? shown.value : null, measured(store)];
  const said = !now
    ? fill(words.text.coming, { of })
    : now.estimated
      ? fill(words.text.estimated, { of })
      : now.whole
        ? fill(words.text.whole, { of })
        : fill(words.text.soFar, { of, known: now.known, all: now.values.data.length });
  return (
    <>
      <EffectLegend /> · {said} {store.trace.value!.target.length > 0 && `${words.encoderOnly} `}
    </>
  );
}

/** The effect of the token under the mouse, in words. */
export function EffectOnToken({ effect }: { effect: Effect }) {
  const value = effectText({ ...effect, isEstimate: false });
  return <> · {fill(effect.isEstimate ? words.onTokenEstimated : words.onToken, { value })}</>;
}
