import { batch, useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { OF_TWO } from "../../protocol/shared";
import { sideOf } from "../../store/alignment";
import type { Comparing } from "../../store/comparing";
import type { Editor } from "../../store/editor";
import type { Store } from "../../store/store";
import { bits, twoDecimals } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { Label, plain } from "../../ui/label";
import { Segmented } from "../../ui/segmented";
import { TextArea } from "../../ui/text-area";
import { common } from "#words/common";
import { compare as words } from "#words/compare";
import { tokens } from "#words/tokens";
import { fill, rich } from "../../words/fill";
import type { PanelProps } from "../props";
import { rowsOf } from "../../ui/beats";
import { Stave } from "./stave";

/** Two texts side by side, as they are typed and as they are read. */
export function Texts({ store }: PanelProps) {
  const looked = useSignal<number | null>(null);
  const comparing = store.comparing!;
  const alignment = comparing.aligned.value;
  const isEmpty = !comparing.a.value || !comparing.b.value;
  return (
    <section class="panel card texts" aria-label={words.title}>
      <div class="spread sides" title={words.sidesTitle}>
        <Segmented
          label={words.shown}
          options={OF_TWO}
          names={namesOf(store)}
          value={comparing.side.value}
          onPick={(side) => comparing.turn(side)}
        />
        <Anchors comparing={comparing} />
      </div>
      {store.state.editable.value && (
        <>
          <Line side="a" editor={comparing.editorOfA} store={store} />
          <Line side="b" editor={comparing.editor} store={store} />
        </>
      )}
      {alignment && !isEmpty && !comparing.refused.value ? (
        <Stave store={store} alignment={alignment} looked={looked} />
      ) : (
        <p class="muted stave">
          {comparing.refused.value ?? (isEmpty && !store.waiting.value ? words.empty : "")}
        </p>
      )}
      <Caption store={store} row={looked.value} />
    </section>
  );
}

/** A and B, with their models where these are two. */
function namesOf({ comparing, models }: Store): Record<"a" | "b" | "difference", string> {
  const [a, b] = [models.current.value, comparing!.model.value];
  const isOne = !a || !b || (a.name === b.name && a.dtype === b.dtype);
  const name = (side: "a" | "b", model: typeof a) =>
    isOne || !model
      ? words.sides[side]
      : fill(words.named, {
          side: words.sides[side],
          model: a.name === b.name ? model.name + common.clauses + model.dtype : model.name,
        });
  return { a: name("a", a), b: name("b", b), difference: words.sides.difference };
}

interface LineProps {
  side: "a" | "b";
  editor: Editor;
  store: Store;
}

/** A text as it is typed. */
function Line({ side, editor, store }: LineProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const { state } = store;
  const value = side === "a" ? state.text : state.otherText;
  const typed = useSignal(value.value);
  const keys = onKeys("line", { undo: () => editor.undo() });
  return (
    <label class="typed">
      <b>{words.sides[side]}</b>
      <span class="sheet scrolls">
        <span class="copy" aria-hidden="true">
          {typed.value}
          {"\u200b"}
        </span>
        <TextArea
          area={area}
          value={value}
          typed={typed}
          name={words.texts[side]}
          placeholder={tokens.type}
          onEdit={(text) =>
            batch(() => {
              editor.edit(text);
              // They are positions, which are others now.
              if (state.anchors.peek().length > 0) state.anchors.value = [];
            })
          }
          onKeyDown={keys}
        />
      </span>
    </label>
  );
}

/** Tokens that are aligned by hand, each with a way back. */
function Anchors({ comparing }: { comparing: Comparing }) {
  const { a, b, anchors, held } = comparing;
  const of = (trace: typeof a.value, token: number) =>
    plain((trace && sideOf(trace)[token]?.label) ?? "");
  return (
    <ul class="changes" aria-label={words.anchors}>
      {held.value && <li class="muted">{words.holding}</li>}
      {anchors.value.map((anchor) => {
        const places = { a: of(a.value, anchor[0]), b: of(b.value, anchor[1]) };
        return (
          <li key={anchor.join()}>
            {fill(words.anchor, places)}
            <button
              type="button"
              aria-label={fill(words.release, places)}
              onClick={() => comparing.release(anchor)}
            >
              ×
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/** One line that says what one sees, or of the row under the mouse how surprising it is. */
function Caption({ store, row: at }: { store: Store; row: number | null }) {
  const { aligned, isAligned } = store.comparing!;
  const alignment = aligned.value;
  const rows = useMemo(() => (alignment ? rowsOf(alignment) : []), [alignment]);
  const row = at === null || !isAligned.value ? undefined : rows[at];
  const told = (side: "a" | "b") => {
    const half = row![side];
    if (!half) return fill(words.nothing, { side: words.sides[side] });
    const places = {
      side: words.sides[side],
      token: <Label text={half.text} />,
      bits: Number.isNaN(half.surprisal) ? words.unknown : bits(half.surprisal),
    };
    return rich(words.half, places);
  };
  const said = () => {
    if (store.waiting.value) return store.waiting.value;
    if (store.isOld.value) return tokens.old;
    if (!row) return alignment?.surprisals_a ? words.legend : words.legendPlain;
    return (
      <>
        {told("a")} · {told("b")}
        {!Number.isNaN(row.change) && (
          <>
            {" · "}
            <b>{fill(words.change, { change: signed(row.change) })}</b>
          </>
        )}
      </>
    );
  };
  return (
    <p class="caption lines figures" role="status">
      {said()}
    </p>
  );
}

const signed = (value: number): string => `${value > 0 ? "+" : ""}${twoDecimals(value)}`;
