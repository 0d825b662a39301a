import type { NextTextsAnswer } from "../../protocol/answers";
import type { Store } from "../../store/store";
import { useScale } from "../../ui/em";
import { bits, percent, points, rounded } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import { clamp, linearScale, logScale } from "../../ui/scale";
import { compare as words } from "#words/compare";
import { fill, rich } from "../../words/fill";
import { FEW_ROWS, LEAST, NICE, ROWS } from "./bars";
import { TwoAxes, titleOf } from "./mirrored";

interface MirroredTextsProps {
  store: Store;
  log: boolean;
  fixed: boolean;
}

/** What two models with vocabularies of their own find likely, as texts: A to the right, B to the left. */
export function MirroredTexts({ store, log, fixed }: MirroredTextsProps) {
  const request = store.comparing!.nextTexts.value;
  const most = useScale() > 1 ? FEW_ROWS : ROWS;
  const lacking = request && store.lacks(request);
  const found = request && !lacking ? store.answer<NextTextsAnswer>(request).value : null;
  if (!found) return <p class="muted empty">{lacking ?? words.next.readingTexts}</p>;
  const [ofA, ofB] = found.probs;
  const largest = (at: number) => Math.max(ofA[at]!, ofB[at]!);
  const shown = [...found.labels.keys()].sort((x, y) => largest(y) - largest(x)).slice(0, most);
  const highest = shown.length > 0 ? largest(shown[0]!) : 1;
  const full = fixed ? 1 : (NICE.find((nice) => highest <= nice) ?? 1);
  const scale = log ? logScale([LEAST, 1], [0, 100]) : linearScale([0, full], [0, 100]);
  const bar = (value: number) => (
    <span class="bar">
      <i class="final" style={{ width: `${value > 0 ? clamp(scale(value), 0, 100) : 0}%` }} />
    </span>
  );
  return (
    <>
      <TwoAxes ticks={log ? [LEAST, 1] : [0, full]} names={words.sides} />
      <ol class="bars list two">
        {shown.map((at) => {
          const [here, there] = [ofA[at]!, ofB[at]!];
          const title = titleOf(words.next.value, here, there);
          return (
            <li key={at}>
              <span class="value" title={title}>
                {rounded(there)}
              </span>
              {bar(there)}
              <span class="name ellipsis">
                <Label text={found.labels[at]!} />
              </span>
              {bar(here)}
              <span class="value" title={title}>
                {rounded(here)}
              </span>
            </li>
          );
        })}
        <li class="rest">
          <span class="value" title={percent(found.rest[1])}>
            {rounded(found.rest[1])}
          </span>
          <span class="bar" />
          <span class="name ellipsis" title={words.next.restTitle}>
            {words.next.rest}
          </span>
          <span class="bar" />
          <span class="value" title={percent(found.rest[0])}>
            {rounded(found.rest[0])}
          </span>
        </li>
      </ol>
      <Apart found={found} />
    </>
  );
}

const MOST = 3; // texts that gained and lost

/** How far A and B are apart over these texts, and which changed most. */
function Apart({ found: { labels, probs, kl, moved } }: { found: NextTextsAnswer }) {
  const change = labels.map((_, at) => probs[0][at]! - probs[1][at]!);
  const told = (sign: 1 | -1) => {
    const ids = [...labels.keys()]
      .filter((at) => sign * change[at]! > 0)
      .sort((x, y) => sign * (change[y]! - change[x]!))
      .slice(0, MOST);
    if (ids.length === 0) return words.next.none;
    return ids.map((at, index) => (
      <span key={at} class="one-line">
        {index > 0 && " · "}
        <b>{plain(labels[at]!)}</b> {points(change[at]!)}
      </span>
    ));
  };
  const [ab, ba] = kl.map((size) => (size === null ? words.next.infinite : `≥ ${bits(size)}`));
  return (
    <>
      <p class="apart named figures">{rich(words.next.gained, { tokens: told(1) })}</p>
      <p class="apart named figures">{rich(words.next.lost, { tokens: told(-1) })}</p>
      <p class="legend figures" title={words.next.klTitle}>
        <span>{fill(words.next.kl, { ab: ab!, ba: ba! })}</span>
        <span class="entropy">
          {fill(words.next.movedTexts, { least: percent(moved[0]), most: percent(moved[1]) })}
        </span>
      </p>
      <p class="note">{words.next.unlike}</p>
    </>
  );
}
