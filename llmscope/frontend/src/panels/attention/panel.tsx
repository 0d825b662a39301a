import { useRef } from "preact/hooks";
import type { Trace } from "../../protocol/answers";
import { matrixText } from "../../protocol/keys";
import { MODES } from "../../protocol/shared";
import type { Head } from "../../store/attention/types";
import type { Store } from "../../store/store";
import { plural } from "../../ui/format";
import { Save } from "../../ui/save";
import { Segmented } from "../../ui/segmented";
import { useSize } from "../../ui/use-size";
import { attention as words } from "#words/attention";
import { common } from "#words/common";
import { choose, fill } from "../../words/fill";
import type { PanelProps } from "../props";
import { Arcs } from "./arcs";
import { Chosen } from "./chosen";
import { Controls } from "./controls";
import { Matrix } from "./matrix";
import { Steps } from "./steps/steps";

/** Who looks at whom: as a matrix, as arcs between two columns, and how it is computed. */
export function Attention({ store }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const room = useSize(box);
  const takesKeys = useRef(false);
  const { attention, state } = store;
  const trace = store.trace.value;
  const mode = state.mode.value;
  const matrix = attention.matrix.value;
  // What is shown of the text before stays, pale, until that of the new one is there.
  const lacking = attention.lacking.value;
  const shown = lacking ? null : mode === "steps" ? attention.steps.value : matrix;
  const isBehind =
    shown !== null && (shown.trace !== attention.trace.value || store.input.resting.value !== null);
  const body = () => {
    if (!trace) return <p class="muted empty">{!store.problem.value && words.empty}</p>;
    if (attention.layers.value.length === 0) return <p class="muted empty">{trace.why}</p>;
    if (lacking) return <p class="muted empty">{lacking}</p>;
    if (mode === "steps") return <Steps store={store} takesKeys={takesKeys} />;
    if (!matrix || room.width === 0) return null;
    if (mode === "arcs") return <Arcs store={store} matrix={matrix} room={room} />;
    return <Matrix store={store} matrix={matrix} room={room} />;
  };
  return (
    <section
      ref={panel}
      class={`panel attention in-${mode} ${isBehind ? "behind" : ""}`}
      aria-label={words.label}
    >
      <div class="title spread">
        <Title store={store} />
        <Segmented
          label={words.mode}
          options={MODES}
          names={words.modes}
          value={mode}
          onPick={(picked, byHand) => {
            state.mode.value = picked;
            takesKeys.current = byHand && picked === "steps";
          }}
        />
      </div>
      <Chosen store={store} />
      <div class="body">
        <div ref={box} class="room" />
        {body()}
      </div>
      <div class="foot extra">
        <Controls store={store} matrix={matrix} />
        {shown && (
          <Save
            of={panel}
            name={`${fileOf(store, shown)}-${isOfTwo(shown) ? "difference" : mode}`}
          />
        )}
      </div>
    </section>
  );
}

/** Names a picture by what is in it. */
function fileOf({ attention, state }: Store, { layer, head }: Head): string {
  const mode = state.mode.value;
  const heads = state.heads.value;
  const name = mode === "matrix" ? attention.matrix.value?.name : undefined;
  if (name && (name.how !== "head" || name.withoutFirst)) return matrixText(name);
  if (mode === "arcs" && heads.length > 0)
    return `heads-${heads.map((pair) => pair.join(".")).join("-")}`;
  return `layer-${layer}-head-${head}`;
}

const isOfTwo = ({ trace }: { trace: Trace }): boolean => typeof trace.name !== "string";

/** What is on screen: that of the matrix that is there, not of the one on its way. */
function Title({ store }: { store: Store }) {
  const [what, more] = titleOf(store);
  const matrix = store.state.mode.value === "matrix" ? store.attention.matrix.value : null;
  const resting = store.input.resting.value;
  const about =
    resting !== null
      ? [plural(resting, common.resting)]
      : [matrix && isOfTwo(matrix) && words.title.edits, more];
  return (
    <h3 class="ellipsis">
      {what} <small>{about.filter(Boolean).join(" · ")}</small>
    </h3>
  );
}

function titleOf({ attention, state }: Store): [what: string, more: string] {
  const { title } = words;
  const mode = state.mode.value;
  const isThere = !attention.lacking.value;
  const drawn = mode === "steps" ? attention.steps.value : attention.matrix.value;
  const { layer, head } = (isThere && drawn) || attention.shown.value;
  const heads = state.heads.value;
  if (mode === "arcs" && heads.length > 1) return [plural(heads.length, common.heads), title.arcs];
  const name = mode === "matrix" && isThere ? attention.matrix.value?.name : undefined;
  if (name?.how === "rollout") return [words.combined.rollout, fill(title.rollout, { layer })];
  if (name?.how === "mean" || name?.how === "max")
    return [
      words.combined[name.how],
      fill(choose(title.combined, name.where.length), { count: name.where.length }),
    ];
  if (name?.how === "difference") {
    const [one, other] = name.where.map((pair) => pair.join("·"));
    return [`${one} − ${other}`, title.difference];
  }
  const [, count, kvHeads] = attention.layers.value.find(([n]) => n === layer) ?? [0, 1, 1];
  const group = Math.floor(head / (count / kvHeads));
  const kind = attention.kind.value;
  const about = [
    kind !== "self" && title.sides[kind],
    kvHeads > 1 && kvHeads < count && fill(title.group, { group }),
  ];
  return [fill(title.head, { layer, head }), about.filter(Boolean).join(" · ")];
}
