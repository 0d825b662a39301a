import { useRef } from "preact/hooks";
import type { AcrossAnswer } from "../../protocol/over-steps";
import { plain } from "../../ui/label";
import { useKept, useOverSteps } from "../../ui/over-steps";
import { Save } from "../../ui/save";
import { Segmented } from "../../ui/segmented";
import { STEPS_AXES } from "../../store/steps-axis";
import { overSteps } from "#words/over-steps";
import { stream as words } from "#words/stream";
import { fill } from "../../words/fill";
import type { PanelProps } from "../props";
import { Plot } from "./plot";

/** The next token at one position over all kept steps of a training, as ribbons. */
export function NextTokenStream({ store }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const { training } = store;
  const [run, probe, position] = [
    training?.run.value ?? 0,
    training?.probe.value ?? 0,
    training?.position.value ?? -1,
  ];
  const kept = useKept(store);
  const isThere = kept > 0 && position >= 0;
  const { answer, isOld, lacking } = useOverSteps<AcrossAnswer>(
    store,
    isThere ? { type: "training_across", run, probe, position } : null,
  );
  const steps = answer?.steps.data ?? [];
  const axis = training?.axis.value ?? "linear";
  const token = training?.probes.value[probe]?.tokens[position];
  const hasTokens = answer !== null && answer.labels.length > 0;
  return (
    <section ref={panel} class="panel stream" aria-label={words.title}>
      <h3 class="spread">
        <span class="ellipsis">
          {words.title}{" "}
          {token !== undefined && <small>{fill(words.about, { token: plain(token) })}</small>}
        </span>
        <span class={`extra ${steps.length > 1 ? "" : "unseen"}`}>
          <Segmented
            label={words.axis}
            options={STEPS_AXES}
            names={words.axes}
            value={axis}
            onPick={(picked) => training?.spread(picked)}
          />
        </span>
      </h3>
      {training && hasTokens ? (
        <div class={isOld ? "old" : ""}>
          <Plot training={training} answer={answer} axis={axis} isOld={isOld} />
        </div>
      ) : (
        <p class="muted empty stream-empty">
          {lacking ?? (kept === 0 ? overSteps.empty : isThere && !answer ? "" : words.none)}
        </p>
      )}
      <div class="foot extra">
        <span class="note">
          {words.legend}
          <span data-tool> · {words.click}</span>
        </span>
        <Save of={panel} name={`stream-${token ?? ""}`} />
      </div>
    </section>
  );
}
