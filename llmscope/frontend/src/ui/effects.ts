/** What panels that show effects have in common: colours, numbers and words. */

import { rgb } from "../draw/color-scale";
import { INK } from "../host/colors";
import type { Theme } from "../host/theme";
import type { Effect } from "../store/effects";
import type { Store } from "../store/store";
import { effects as words } from "#words/effects";
import { fill } from "../words/fill";
import { twoDecimals } from "./format";
import { plain } from "./label";

/** The two colours: for the token, and against it. */
export const inksOf = (theme: Theme) => [INK[theme].more, INK[theme].less] as const;

/** The colour of an effect, the paler the less (as the square root); `full` is that of the greatest. */
export function effectInk(theme: Theme, value: number, most: number, full = 1): string {
  const share = most > 0 ? Math.min(1, Math.abs(value) / most) : 0;
  return rgb(inksOf(theme)[value < 0 ? 1 : 0], full * Math.sqrt(share));
}

/** An effect with its sign, and whether it is an estimate. */
export function effectText(effect: Effect | undefined): string {
  if (!effect) return "–";
  const size = twoDecimals(Math.abs(effect.value));
  const sign = Number(size) === 0 ? "" : effect.value < 0 ? "−" : "+";
  return effect.isEstimate ? fill(words.about, { value: sign + size }) : sign + size;
}

/** The label of a token: it comes with effects, and with the likeliest. */
export function nameOf(store: Store, id: number): string {
  const { sorted, labels, known } = store.next.value ?? {};
  const rank = sorted?.rank[id];
  const isKnown = rank !== undefined && rank < (known ?? 0) && labels?.[rank] !== undefined;
  const { heads, tokens } = store.effects;
  const found = [heads, tokens].find(({ isNew }) => isNew.value)?.shown.value;
  const asked = found?.labels[store.state.effectOf.value.indexOf(id)];
  return plain(asked ?? (isKnown ? labels![rank] : store.vocabulary.label(id).value) ?? "");
}

/** What effects are on, in words: a logit, or the difference of two. */
export function measured(store: Store): string {
  const [token, foil] = store.state.effectOf.value as [number, number | undefined];
  const places = { token: nameOf(store, token) };
  return foil === undefined
    ? fill(words.logit, places)
    : fill(words.difference, { ...places, foil: nameOf(store, foil) });
}
