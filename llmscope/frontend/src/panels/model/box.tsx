import { batch } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useContext } from "preact/hooks";
import type { Kind } from "../../protocol/shared";
import { type Place, idOf } from "../../store/model";
import type { Store } from "../../store/store";
import { model as words } from "#words/model";
import { PictureContext } from "./context";
import { factsOf, titleOf } from "./names";

/** Panels that a box may lead to. */
const PANELS = { matrix: "attention", lens: "lens", "next-token": "next-token" } as const;

interface BoxProps {
  place: Place;
  /** Below its facts. */
  children?: ComponentChildren;
  class?: string;
  /** What it says of itself, but for what boxes of its kind do. */
  facts?: readonly string[];
  title?: string;
  /** The whole id of what it opens. */
  opens?: string;
}

/** A part of the model: its name, its size, and what a click on it opens. */
export function BoxButton({ place, children, class: kind = "", facts, title, opens }: BoxProps) {
  const { store, told } = useContext(PictureContext);
  const { box, tower, layer } = place;
  const id = opens ?? idOf(tower, layer, box.id);
  const leads = leadOf(store, place);
  const isOpen = store.state.box.value === id;
  const tell = () => void (told.value = { what: "box", place });
  const hint =
    leads === "box" ? (isOpen ? words.closeBox : words.openBox) : leads && words.elsewhere[leads];
  return (
    <button
      type="button"
      class={`model-box ${kind}`}
      data-box={id}
      aria-expanded={leads === "box" ? isOpen : undefined}
      aria-disabled={leads ? undefined : true}
      title={hint}
      onPointerEnter={tell}
      onFocus={tell}
      onPointerLeave={() => void (told.value = null)}
      onBlur={() => void (told.value = null)}
      onClick={() => {
        if (leads === "box") store.anatomy.open(id);
        else if (leads) go(store, place, leads);
      }}
    >
      <b>{title ?? titleOf(box)}</b>
      {(facts ?? factsOf(box)).map((fact) => (
        <small key={fact}>{fact}</small>
      ))}
      {children}
    </button>
  );
}

type Panel = keyof typeof PANELS;
type Lead = "box" | Panel | "";

/** Where a box leads in this view: to a panel that it has, or else in place. */
function leadOf({ state }: Store, { box }: Place): Lead {
  if (box.opens === "" || box.opens === "box") return box.opens;
  if (state.panels.value.includes(PANELS[box.opens])) return box.opens;
  return box.opens === "matrix" ? "box" : "";
}

function go(store: Store, { box, layer }: Place, to: Panel): void {
  const { state, trace } = store;
  const kind = box.facts.kind as Kind;
  if (to === "matrix" && trace.value!.kinds[kind]) state.kind.value = kind;
  lead(store, to, layer);
}

/** Shows another panel, at a block. */
export function lead({ state, revealed }: Store, to: Panel, layer: number | null): void {
  if (layer !== null)
    batch(() => {
      state.telling.value = false;
      state.layer.value = layer;
    });
  revealed.value = PANELS[to];
}
