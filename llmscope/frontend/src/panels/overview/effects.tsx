import { useContext } from "preact/hooks";
import { rgb } from "../../draw/color-scale";
import { INK, ThemeContext } from "../../host/colors";
import { WAYS, type Way } from "../../protocol/shared";
import type { Head } from "../../store/attention/types";
import type { Store } from "../../store/store";
import { twoDecimals } from "../../ui/format";
import { plain } from "../../ui/label";
import { Segmented } from "../../ui/segmented";
import { effects as words } from "#words/effects";
import { fill } from "../../words/fill";

const OFFERED = 12; // of the likeliest tokens

/** On which token heads have an effect, how that is found, and how great that of one is. */
export function EffectsOf({ store, here }: { store: Store; here: Head }) {
  const { effects, state } = store;
  const [token, foil] = state.effectOf.value as [number, number | undefined];
  const value = effects.of(here);
  const { more, less } = INK[useContext(ThemeContext).value];
  return (
    <>
      <span class="spread here">
        {words.title}{" "}
        <span>{value === undefined ? "–" : (value > 0 ? "+" : "") + twoDecimals(value)}</span>
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
      <span title={words.titles[effects.way.value]}>
        <Segmented
          label={words.way}
          options={WAYS}
          names={words.ways}
          value={effects.way.value}
          onPick={(way: Way) => (effects.way.value = way)}
        />
      </span>
      <span class="spread legend">
        <span>
          {[more, less].map((ink, index) => (
            <i key={index} class="swatch" style={{ background: rgb(ink) }} />
          ))}{" "}
          {words.legend}
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
          {without ? fill(words.against, { token: nameOf(store, id) }) : nameOf(store, id)}
        </option>
      ))}
    </select>
  );
}

/** The label of a token: it comes with effects, and with the likeliest. */
function nameOf(store: Store, id: number): string {
  const { sorted, labels, known } = store.next.value ?? {};
  const rank = sorted?.rank[id];
  const isKnown = rank !== undefined && rank < (known ?? 0) && labels?.[rank] !== undefined;
  const asked = store.effects.shown.value?.labels[store.state.effectOf.value.indexOf(id)];
  return plain(asked ?? (isKnown ? labels![rank] : store.label(id).value) ?? "");
}

/** What the colours mean, and how far they are true; or why there are none. */
export function explainedBy(store: Store): string {
  const { effects, state } = store;
  if (effects.refused.value) return effects.refused.value;
  const [token, foil] = state.effectOf.value as [number, number | undefined];
  const places = { token: nameOf(store, token) };
  const of =
    foil === undefined
      ? fill(words.logit, places)
      : fill(words.difference, { ...places, foil: nameOf(store, foil) });
  const explained = fill(words.explained[effects.way.value], { of });
  const shown = effects.shown.value;
  if (shown?.estimated) return `${explained} ${words.estimated}`;
  if (!shown || shown.whole) return explained;
  const known = shown.values.data.filter((value) => !Number.isNaN(value)).length;
  return `${explained} ${fill(words.soFar, { known, all: shown.values.data.length })}`;
}
