import type { Signal } from "@preact/signals";
import type { Line } from "../../store/attention/types";
import type { Side, Store } from "../../store/store";
import { percent, weight } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import { common } from "#words/common";
import { tokens as words } from "#words/tokens";
import { fill, rich } from "../../words/fill";
import { EffectOnToken, EffectShade, effectOn } from "./effect";
import { suggestionOf } from "./row";
import { chainOn, ownOf, weightsOn, whose } from "./shaded";

interface CaptionProps {
  store: Store;
  line: Line | null;
  /** The decoder's token under the mouse. */
  hoveredTarget: Signal<number | null>;
}

/** Whether it is the difference that edits make. */
const isOfTwo = ({ trace }: Line): boolean => typeof trace.name !== "string";

/** One line that says what one sees. */
export function Caption({ store, line, hoveredTarget }: CaptionProps) {
  const trace = store.trace.value;
  const waiting = store.waiting.value;
  const side: Side = hoveredTarget.value === null ? "tokens" : "target";
  const hovered = hoveredTarget.value ?? store.hovered.value;
  if (waiting)
    return (
      <p class="caption lines" role="status">
        {waiting}
      </p>
    );
  if (store.isOld.value)
    return (
      <p class="caption lines" role="status">
        {words.old}
      </p>
    );
  if (!trace) return <p class="caption lines">{words.empty}</p>;
  const from = line && plain(ownOf(line));
  const token = hovered === null ? undefined : trace[side][hovered];
  if (token && hovered !== null && !store.input.isBehind.value) {
    const logprob = chainOn(store, side)?.[hovered];
    const likely = logprob !== undefined && Number.isFinite(logprob);
    const byEffect = store.effects.shadesText;
    const effect = effectOn(store, side, [hovered]);
    const weights = byEffect ? null : weightsOn(line, side);
    return (
      <p class="caption lines figures" role="status">
        {rich(words.token, {
          token: <Label text={plain(token.label)} />,
          index: hovered,
          id: token.id,
        })}
        {line && weights && (
          <>
            {" · "}
            {rich((isOfTwo(line) ? words.change : words.attention)[line.direction], {
              token: <Label text={from!} />,
              weight: <b>{weight(weights[hovered] ?? 0)}</b>,
            })}
          </>
        )}
        {effect && <EffectOnToken effect={effect} />}
        {likely && <> · {fill(words.probability, { share: percent(Math.exp(logprob)) })}</>}
      </p>
    );
  }
  const suggestion = suggestionOf(store, trace.target.length > 0 ? "target" : "text");
  return (
    <p class="caption lines">
      {store.effects.shadesText ? (
        <EffectShade store={store} />
      ) : line ? (
        <>
          {rich((isOfTwo(line) ? words.shadeOfTwo : words.shade)[line.direction], {
            token: <Label text={from!} />,
            whose: whose(line),
          })}
          {common.sentences}
        </>
      ) : null}
      {store.chain.value && words.underline + common.sentences}
      {suggestion && fill(words.accept, { token: suggestion.label.trim() })}
      {store.state.editable.value &&
        store.editor.fillsGaps &&
        (trace.gaps.length > 0 ? words.fill : words.mask)}
    </p>
  );
}
