import { training as words } from "#words/training";
import type { PanelProps } from "../props";

/** A model that learns: its loss, and which step of it all panels show. */
export function Training({ store }: PanelProps) {
  const { answer, step } = store.training!;
  return (
    <section class="panel training" aria-label={words.title}>
      <h3>{words.title}</h3>
      {step.value < 0 && answer.value && <p class="muted empty">{words.waiting}</p>}
    </section>
  );
}
