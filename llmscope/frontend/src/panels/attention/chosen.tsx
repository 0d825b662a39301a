import { useContext } from "preact/hooks";
import { rgb } from "../../draw/color-scale";
import { INK, ThemeContext } from "../../host/colors";
import type { HeadPair, MatrixName } from "../../protocol/keys";
import { COMBINE, type Combine, type Kind, MOST_HEADS } from "../../protocol/shared";
import type { Store } from "../../store/store";
import { onKeys } from "../../ui/keys";
import { HeadMark } from "../../ui/head-mark";
import { Segmented } from "../../ui/segmented";
import { attention as words } from "#words/attention";
import { fill } from "../../words/fill";

/** The pinned heads, with the colours that they are drawn in, and what is made of them. */
export function Chosen({ store }: { store: Store }) {
  const { attention, state } = store;
  const heads = state.heads.value;
  const here = attention.shown.value;
  const kinds = Object.keys(store.trace.value?.kinds ?? {}) as Kind[];
  const rollout: MatrixName = { how: "rollout", where: [[here.layer]], withoutFirst: false };
  const lacksRollout = attention.lacks(rollout) !== null;
  const isChosen = heads.some(([l, h]) => l === here.layer && h === here.head);
  const wholeLayer = () => {
    const [, count] = attention.layers.value.find(([n]) => n === here.layer)!;
    attention.choose(Array.from({ length: count }, (_, head) => [here.layer, head]));
  };
  const missing = { none: 0, rollout: 0, mean: 1, max: 1, difference: 2 }[state.combine.value];
  const mode = state.mode.value;
  const hasHeads = attention.layers.value.length > 0;
  return (
    <div class={`choice extra ${hasHeads ? "" : "unseen"}`}>
      {kinds.length > 1 && (
        <Segmented
          label={words.kind}
          options={kinds}
          names={words.kinds}
          value={attention.kind.value}
          onPick={(kind) => (state.kind.value = kind)}
        />
      )}
      <span class="chips">
        {heads.map(([layer, head], index) => (
          <Chip key={`${layer}.${head}`} store={store} pair={[layer, head]} index={index} />
        ))}
        {!isChosen && heads.length < MOST_HEADS && (
          <button
            type="button"
            class="quiet"
            data-tool
            onClick={() => attention.toggle(here)}
            title={words.pinTitle}
          >
            {fill(words.pin, { head: `${here.layer}·${here.head}` })}
          </button>
        )}
        {heads.length === 0 && mode === "arcs" && (
          <button type="button" class="quiet" data-tool onClick={wholeLayer}>
            {fill(words.pinLayer, here)}
          </button>
        )}
        {heads.length > 0 && (
          <button type="button" class="quiet" data-tool onClick={() => attention.choose([])}>
            {words.unpinAll}
          </button>
        )}
        {attention.muted.value.size > 0 && (
          <button
            type="button"
            class="quiet"
            data-tool
            onClick={() => (attention.muted.value = new Set())}
          >
            {words.showAll}
          </button>
        )}
        {mode === "matrix" && (
          <span class="hint" data-tool>
            {heads.length < missing
              ? missing === 1
                ? words.pinOneFirst
                : words.pinTwoFirst
              : heads.length > 1 && state.combine.value === "none" && words.combineThem}
          </span>
        )}
      </span>
      <select
        data-tool
        class={mode === "matrix" ? "" : "unseen"}
        aria-label={words.combine}
        value={state.combine.value}
        onChange={(event) => (state.combine.value = event.currentTarget.value as Combine)}
      >
        {COMBINE.map((combine) => (
          <option key={combine} value={combine} disabled={combine === "rollout" && lacksRollout}>
            {combine === "rollout" && lacksRollout ? words.rolloutLacking : words.combined[combine]}
          </option>
        ))}
      </select>
    </div>
  );
}

interface ChipProps {
  store: Store;
  pair: HeadPair;
  /** Its place among them. */
  index: number;
}

/** One pinned head: a click shows or hides its arcs, a double click shows it alone. */
function Chip({ store, pair: [layer, head], index }: ChipProps) {
  const theme = useContext(ThemeContext).value;
  const { attention, state } = store;
  const name = `${layer}.${head}`;
  const muted = attention.muted.value.has(name);
  const others = state.heads.value.map(([l, h]) => `${l}.${h}`).filter((other) => other !== name);
  const flip = () => {
    const now = new Set(attention.muted.value);
    if (!now.delete(name)) now.add(name);
    attention.muted.value = now;
  };
  const remove = () => attention.toggle({ layer, head });
  const alone = () => void (attention.muted.value = new Set(others));
  return (
    <span
      class={`chip ${muted ? "muted-head" : ""}`}
      style={{ "--head": rgb(INK[theme].heads[index]!) }}
    >
      <button
        type="button"
        aria-pressed={!muted}
        title={words.chipTitle}
        onClick={flip}
        onDblClick={alone}
        onKeyDown={onKeys("chip", { remove, alone })}
      >
        <HeadMark index={index} /> {layer}·{head}
      </button>
      <button
        type="button"
        class="remove"
        data-tool
        aria-label={fill(words.unpin, { head: `${layer}·${head}` })}
        onClick={remove}
      >
        ×
      </button>
    </span>
  );
}
