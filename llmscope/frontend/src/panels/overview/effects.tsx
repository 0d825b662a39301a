import { INK } from "../../host/colors";
import type { Theme } from "../../host/theme";
import { WAYS } from "../../protocol/shared";
import type { Head } from "../../store/attention/types";
import type { Effect, EffectsOfParts, PartsWay } from "../../store/effects";
import type { Store } from "../../store/store";
import { EffectLegend } from "../../ui/effect-legend";
import { effectInk, effectText, measured, nameOf } from "../../ui/effects";
import { Segmented } from "../../ui/segmented";
import { effects as words } from "#words/effects";
import { fill } from "../../words/fill";
import type { Grid } from "../../ui/head-grid";

const OFFERED = 12; // of the likeliest tokens

interface EffectsOfProps {
  store: Store;
  /** The head in focus, or under the mouse. */
  here: Head;
  /** The layer whose number is under the mouse. */
  layer: number | null;
}

/** On which token heads have an effect, how that is found, and how great that of one is. */
export function EffectsOf({ store, here, layer }: EffectsOfProps) {
  const { effects, state } = store;
  const [token, foil] = state.effectOf.value as [number, number | undefined];
  const of = layer ?? here.layer;
  const known = <T,>({ isNew }: EffectsOfParts, effect: T) => (isNew.value ? effect : undefined);
  return (
    <>
      <span class="spread here">
        {words.title} <span>{effectText(known(effects.heads, effects.ofHead(here)))}</span>
      </span>
      <span class="spread mlp" title={words.mlpTitle}>
        {fill(words.mlp, { layer: of })}{" "}
        <span>{effectText(known(effects.mlps, effects.mlps.at(of)))}</span>
      </span>
      <span title={words.titles[effects.way.value]}>
        <Segmented
          label={words.way}
          options={WAYS.heads as PartsWay[]}
          names={words.ways}
          value={effects.way.value}
          onPick={(way) => (effects.way.value = way)}
        />
      </span>
      <Tokens
        store={store}
        label={words.token}
        chosen={token}
        onPick={(id) => (state.effectOf.value = foil === undefined ? [id!] : [id!, foil])}
      />
      <Tokens
        store={store}
        label={words.foil}
        chosen={foil}
        without={words.noFoil}
        onPick={(id) => (state.effectOf.value = id === undefined ? [token] : [token, id])}
      />
      <span class="spread legend">
        <span>
          <EffectLegend />
        </span>
      </span>
    </>
  );
}

interface TokensProps {
  store: Store;
  label: string;
  chosen: number | undefined;
  /** What is offered besides tokens. */
  without?: string;
  onPick: (id: number | undefined) => void;
}

function Tokens({ store, label, chosen, without, onPick }: TokensProps) {
  const next = store.next.value;
  const likely = [...(next?.sorted.order.slice(0, OFFERED) ?? [])];
  const ids = chosen === undefined || likely.includes(chosen) ? likely : [chosen, ...likely];
  return (
    <select
      aria-label={label}
      title={label}
      value={chosen ?? ""}
      onChange={({ currentTarget: { value } }) => onPick(value === "" ? undefined : Number(value))}
    >
      {without && <option value="">{without}</option>}
      {ids.map((id) => (
        <option key={id} value={id}>
          {without ? fill(words.againstToken, { token: nameOf(store, id) }) : nameOf(store, id)}
        </option>
      ))}
    </select>
  );
}

/** What the colours mean, and how far they are true; or why there are none. */
export function explainedBy(store: Store): string {
  const { heads, way } = store.effects;
  if (heads.refused.value) return heads.refused.value;
  const explained = fill(words.explained[way.value], { of: measured(store) });
  const shown = heads.shown.value;
  if (!shown || !heads.isNew.value) return explained;
  if (shown.estimated) return `${explained} ${words.estimated}`;
  if (shown.whole) return explained;
  const all = shown.values.data.length;
  return `${explained} ${fill(words.soFar, { known: shown.known, all })}`;
}

/** Why MLPs have no effects where heads have some. */
export function lackingMlps({ effects }: Store): string {
  const why = effects.isOn ? effects.mlps.refused.value : null;
  return why && why !== effects.heads.refused.value ? fill(words.noMlps, { why }) : "";
}

/** Colours heads, and MLPs beside the numbers of their layers. */
export function paintEffects(
  context: CanvasRenderingContext2D,
  { places, strips, size }: Grid,
  { effects }: Store,
  theme: Theme,
): void {
  const { heads, mlps, most } = effects;
  const cell = (x: number, y: number, width: number, height: number, effect?: Effect) => {
    context.fillStyle = INK[theme].cell;
    context.fillRect(x, y, width, height);
    if (!effect) return;
    context.fillStyle = effectInk(theme, effect.value, most);
    context.fillRect(x, y, width, height);
  };
  // Those of before stay, pale, until the new ones are there.
  context.globalAlpha = heads.isNew.value ? 1 : 0.35;
  for (const place of places) cell(place.x, place.y, size, size, effects.ofHead(place));
  if (mlps.refused.value) return;
  context.globalAlpha = mlps.isNew.value ? 1 : 0.35;
  for (const { layer, x, y, width, height } of strips) cell(x, y, width, height, mlps.at(layer));
}
