import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { MEASURES, STREAMS } from "../../protocol/shared";
import { Save } from "../../ui/save";
import { Segmented } from "../../ui/segmented";
import { lens as words } from "#words/lens";
import { fill } from "../../words/fill";
import type { PanelProps } from "../props";
import { CellReading } from "./cell";
import { DifferenceReading, differenceWords } from "./difference";
import { Table } from "./table";

/** What the model would say if it ended at a layer, for every layer and position. */
export function Lens({ store }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const { lens, state } = store;
  const measure = state.lens.value;
  const together = useSignal(1);
  const own = differenceWords(store);
  const about = lens.isDifference ? own.about : words.about;
  const folded = together.value > 1 && fill(words.folded, { count: together.value });
  const lacking = store.trace.value ? lens.lacking.value : words.empty;
  return (
    <section
      ref={panel}
      class={`panel lens ${lens.isDifference ? "divergence" : measure}`}
      aria-label={words.title}
    >
      <div class="title spread">
        <h3>
          {words.title} <small>{folded || about}</small>
        </h3>
        <span class={lens.isDifference ? "unseen" : ""}>
          <Segmented
            label={words.measure}
            options={MEASURES}
            names={words.measures}
            value={measure}
            onPick={(picked) => (state.lens.value = picked)}
          />
        </span>
      </div>
      {lacking ? (
        <p class="muted empty">{lacking}</p>
      ) : (
        <div class="lens-body">
          <Table store={store} together={together} />
          {lens.isDifference ? <DifferenceReading store={store} /> : <CellReading store={store} />}
        </div>
      )}
      <div class="foot extra">
        <Segmented
          label={words.stream}
          options={STREAMS}
          names={words.streams}
          value={state.stream.value}
          onPick={(picked) => (state.stream.value = picked)}
        />
        {!lacking && (
          <>
            <span class="note">
              {lens.isWaiting.value
                ? words.reading
                : lens.isDifference
                  ? own.shade
                  : words.shades[measure]}
            </span>
            <Save of={panel} name={`lens-${lens.isDifference ? "difference" : measure}`} />
          </>
        )}
      </div>
    </section>
  );
}
