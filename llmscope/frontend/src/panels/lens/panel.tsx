import { useRef } from "preact/hooks";
import { MEASURES, STREAMS } from "../../protocol/shared";
import { Save } from "../../ui/save";
import { Segmented } from "../../ui/segmented";
import type { PanelProps } from "../props";
import { CellReading } from "./cell";
import { SHADINGS } from "./measures";
import { Table } from "./table";

const NAMES = Object.fromEntries(MEASURES.map((name) => [name, SHADINGS[name].name]));

/** What the model would say if it ended at a layer, for every layer and position. */
export function Lens({ store }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const { lens, state } = store;
  const measure = state.lens.value;
  const lacking = store.trace.value ? lens.lacking.value : "Type something to see the lens.";
  return (
    <section ref={panel} class={`panel lens ${measure}`} aria-label="Logit lens">
      <h3 class="spread">
        <span>
          Logit lens <small>the model's prediction if it stopped at this layer</small>
        </span>
        <Segmented
          label="What cells are shaded by"
          options={MEASURES}
          names={NAMES}
          value={measure}
          onPick={(picked) => (state.lens.value = picked)}
        />
      </h3>
      {lacking ? (
        <p class="muted empty">{lacking}</p>
      ) : (
        <div class="lens-body">
          <Table store={store} />
          <CellReading store={store} />
        </div>
      )}
      <div class="foot extra">
        <Segmented
          label="What is read of a layer"
          options={STREAMS}
          names={{ block: "Layer", attention: "Attention half", mlp: "MLP half" }}
          value={state.stream.value}
          onPick={(picked) => (state.stream.value = picked)}
        />
        {!lacking && (
          <>
            <span class="note">
              {lens.isWaiting.value ? "Reading layers…" : `Shade: ${SHADINGS[measure].words}`}
            </span>
            <Save of={panel} name={`lens-${measure}`} />
          </>
        )}
      </div>
    </section>
  );
}
