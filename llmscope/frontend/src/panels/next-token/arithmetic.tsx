import { type Outcome, type Settings, cutBy } from "../../sampling/sampling";
import type { NextToken } from "../../store/state";
import { count, fourFigures, percent } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import { nextToken as words } from "#words/next-token";
import { rich } from "../../words/fill";

interface ArithmeticProps {
  next: NextToken;
  outcome: Outcome;
  settings: Settings;
  rank: number | null;
  label: string;
}

/** How one token's logit becomes its probability, in the numbers on screen. */
export function Arithmetic({ next, outcome, settings, rank, label }: ArithmeticProps) {
  if (rank === null) {
    return (
      <p class="arithmetic lines muted" data-tool>
        {words.pick}
      </p>
    );
  }
  const { logits } = next.sorted;
  const { temperature } = settings;
  const logit = logits[rank]!;
  const cut = cutBy(outcome, rank);
  const token = (
    <b>
      <Label text={plain(label)} />
    </b>
  );
  if (temperature === 0) {
    return (
      <p class="arithmetic lines figures">
        {rich(words.calculation.greedy, {
          token,
          logit: fourFigures(logit),
          most: fourFigures(logits[0]!),
        })}
      </p>
    );
  }
  if (cut) {
    return (
      <p class="arithmetic lines figures">
        {rich(words.calculation.cut, {
          token,
          logit: fourFigures(logit),
          temperature,
          scaled: fourFigures(logit / temperature),
          stage: words.settings[cut],
        })}
      </p>
    );
  }
  const top = logits[outcome.first]!;
  const exp = Math.exp((logit - top) / temperature);
  const total = 1 / outcome.probs[outcome.first]!;
  return (
    <p class="arithmetic lines figures">
      {rich(words.calculation.kept, {
        token,
        logit: fourFigures(logit),
        temperature,
        scaled: fourFigures(logit / temperature),
        most: fourFigures(top / temperature),
        exp: fourFigures(exp),
        sum: fourFigures(total),
        count: count(outcome.kept),
        share: percent(outcome.probs[rank]!),
      })}
    </p>
  );
}
