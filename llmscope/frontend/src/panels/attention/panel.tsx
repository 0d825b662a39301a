import { useRef } from "preact/hooks";
import type { PanelProps } from "../../app/app";
import { useWidth } from "../../draw/canvas";
import { type HeadName, MODES } from "../../store/attention/types";
import type { Store } from "../../store/store";
import { Save } from "../../ui/save";
import { Segmented } from "../../ui/segmented";
import { Arcs } from "./arcs";
import { Chosen } from "./chosen";
import { Controls } from "./controls";
import { Matrix } from "./matrix";
import { Steps } from "./steps/steps";

/** Who looks at whom: as a matrix, as arcs between two columns, and how it is computed. */
export function Attention({ store }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const { attention, state } = store;
  const trace = store.trace.value;
  const mode = state.mode.value;
  const matrix = attention.matrix.value;
  // What is shown of the text before stays, pale, until that of the new one is there.
  const lacking = attention.lacking.value;
  const shown = lacking ? null : mode === "steps" ? attention.steps.value : matrix;
  const isBehind = shown !== null && shown.trace !== trace;
  const body = () => {
    if (!trace)
      return (
        <p class="muted empty">{!store.problem.value && "Type a text to see who looks at whom."}</p>
      );
    if (attention.layers.value.length === 0) return <p class="muted empty">{trace.why}</p>;
    if (lacking) return <p class="muted empty">{lacking}</p>;
    if (mode === "steps") return <Steps store={store} />;
    if (!matrix || width === 0) return <p class="empty" />;
    if (mode === "arcs") return <Arcs store={store} matrix={matrix} width={width} />;
    return <Matrix store={store} matrix={matrix} width={width} />;
  };
  return (
    <section
      ref={panel}
      class={`panel attention ${isBehind ? "behind" : ""}`}
      aria-label="Attention"
    >
      <h3>
        <Title store={store} />
        <Segmented
          label="How attention is shown"
          options={MODES}
          names={{ matrix: "Matrix", arcs: "Arcs", steps: "Steps" }}
          value={mode}
          onPick={(picked) => (state.mode.value = picked)}
        />
      </h3>
      {attention.layers.value.length > 0 && mode !== "steps" && <Chosen store={store} />}
      <div ref={box}>{body()}</div>
      {shown && (
        <div class="foot">
          {matrix && mode !== "steps" && <Controls store={store} matrix={matrix} />}
          <Save of={panel} name={`${fileOf(store, shown)}-${mode}`} />
        </div>
      )}
    </section>
  );
}

/** Names a picture by what is in it. */
function fileOf({ attention, state }: Store, { layer, head }: HeadName): string {
  const mode = state.mode.value;
  const heads = state.heads.value;
  const name = mode === "matrix" ? (attention.matrix.value?.name ?? "head") : "head";
  if (!name.startsWith("head")) return name;
  if (mode === "arcs" && heads.length > 0)
    return `heads-${heads.map((pair) => pair.join(".")).join("-")}`;
  return `layer-${layer}-head-${head}`;
}

/** What is on screen: that of the matrix that is there, not of the one on its way. */
function Title({ store }: { store: Store }) {
  const { attention, state } = store;
  const { kind, shown } = attention;
  const mode = state.mode.value;
  const isThere = !attention.lacking.value;
  const drawn = mode === "steps" ? attention.steps.value : attention.matrix.value;
  const { layer, head } = (isThere && drawn) || shown.value;
  const name = mode === "matrix" && isThere ? (attention.matrix.value?.name ?? "") : "";
  const heads = state.heads.value;
  const named = name.replace("sinkless.", "");
  if (mode === "arcs" && heads.length > 1)
    return (
      <span>
        {heads.length} heads <small>each in its colour</small>
      </span>
    );
  const [, heads_, kvHeads] = attention.layers.value.find(([n]) => n === layer) ?? [0, 1, 1];
  const group =
    kvHeads > 1 && kvHeads < heads_ ? `KV group ${Math.floor(head / (heads_ / kvHeads))}` : "";
  const side = { self: "", encoder: "encoder", cross: "decoder → encoder" }[kind.value];
  if (named.startsWith("rollout"))
    return (
      <span>
        Rollout <small>through layers 0 to {layer}</small>
      </span>
    );
  if (named.startsWith("mean") || named.startsWith("max"))
    return (
      <span>
        {named.startsWith("mean") ? "Mean" : "Greatest"} <small>of {heads.length} heads</small>
      </span>
    );
  if (named.startsWith("difference")) {
    const [a, b] = heads.map(([l, h]) => `${l}·${h}`);
    return (
      <span>
        {a} − {b} <small>difference of two heads</small>
      </span>
    );
  }
  return (
    <span>
      Layer {layer} · Head {head} <small>{[side, group].filter(Boolean).join(" · ")}</small>
    </span>
  );
}
