import { type Outcome, type Settings, cutBy } from "../../sampling/sampling";
import type { NextToken } from "../../store/state";
import { count, fourFigures, percent } from "../../ui/format";
import { Label, plain } from "../../ui/label";

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
    return <p class="arithmetic lines muted">Click a percentage to see the calculation.</p>;
  }
  const { logits } = next.sorted;
  const { temperature } = settings;
  const logit = logits[rank]!;
  const cut = cutBy(outcome, rank);
  const name = (
    <b>
      <Label text={plain(label)} />
    </b>
  );
  if (temperature === 0) {
    return (
      <p class="arithmetic lines figures">
        {name}: logit {fourFigures(logit)}. Greedy takes the maximum, {fourFigures(logits[0]!)}.
      </p>
    );
  }
  if (cut) {
    return (
      <p class="arithmetic lines figures">
        {name}: logit {fourFigures(logit)} ÷ {temperature} = {fourFigures(logit / temperature)}; cut
        by {cut}, so 0.
      </p>
    );
  }
  const top = logits[outcome.first]!;
  const exp = Math.exp((logit - top) / temperature);
  const total = 1 / outcome.probs[outcome.first]!;
  return (
    <p class="arithmetic lines figures">
      {name}: logit {fourFigures(logit)} ÷ {temperature} = {fourFigures(logit / temperature)} → exp(
      {fourFigures(logit / temperature)} − {fourFigures(top / temperature)}) = {fourFigures(exp)} →
      ÷ {fourFigures(total)}, the sum over {count(outcome.kept)} kept ={" "}
      {percent(outcome.probs[rank]!)}
    </p>
  );
}
