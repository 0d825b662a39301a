import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { FollowsAnswer } from "../../protocol/answers";
import type { Store } from "../../store/store";
import { percent } from "../../ui/format";
import { Hint } from "../../ui/hint";
import { useDeferred } from "../../ui/use-deferred";
import type { PanelProps } from "../props";
import { Caption } from "./caption";
import { DecoderButtons } from "./decoder-buttons";
import { Row } from "./row";

/** What the model reads: a text, with a second sentence or the text of a decoder. */
export function Tokens({ store }: PanelProps) {
  const hoveredTarget = useSignal<number | null>(null); // of the decoder's tokens, under the mouse
  const wantsPair = useSignal(false);
  const { state, editor } = store;
  const { family, note } = store.model.value!;
  const trace = store.trace.value;
  const editable = state.editable.value;
  const line = useDeferred(store.attention.line);
  const shown = { store, line: line?.trace === trace ? line : null };
  const hasTarget = family === "encoder-decoder";
  const readsPairs = editable && (family === "masked" || family === "encoder");
  const hasPair = state.pair.value !== "" || (wantsPair.value && readsPairs);
  return (
    <section class="panel card tokens" aria-label="Text">
      <Row
        {...shown}
        field="text"
        hovered={store.hovered}
        name={editable ? "Prompt" : "Text"}
        placeholder="Type a text…"
      >
        {hasTarget ? <Name text="Encoder" /> : hasPair && <Name text="Sentence A" />}
      </Row>
      {hasPair && (
        <Row
          {...shown}
          field="pair"
          hovered={store.hovered}
          name="Sentence B"
          placeholder="Type a second sentence…"
        >
          <Name text="Sentence B">
            <Follows store={store} />
          </Name>
        </Row>
      )}
      {hasTarget && (
        <Row
          {...shown}
          field="target"
          hovered={hoveredTarget}
          name="Decoder"
          placeholder="Step, or type the beginning of its text…"
        >
          <Name text="Decoder">{editable && <DecoderButtons store={store} />}</Name>
        </Row>
      )}
      <div class="under">
        <Caption {...shown} hoveredTarget={hoveredTarget} />
        {editable && (
          <button
            type="button"
            class={`quiet ${editor.canUndo.value ? "" : "unseen"}`}
            onClick={() => editor.undo()}
          >
            Undo
          </button>
        )}
        {readsPairs && <PairButton store={store} wanted={wantsPair} shown={hasPair} />}
      </div>
      <Hint name="type">↑ Type here: everything follows.</Hint>
      {[note, trace?.why_no_roles].map((words) => words && <p class="note">{words}</p>)}
    </section>
  );
}

function Name({ text, children }: { text: string; children?: ComponentChildren }) {
  return (
    <div class="side">
      {text}
      {children}
    </div>
  );
}

/** The probability that the second sentence follows, of models with a head for it. */
function Follows({ store }: { store: Store }) {
  const trace = store.trace.value;
  if (!trace?.pair) return null;
  const follows = store.answer<FollowsAnswer>({ type: "follows", trace: trace.name });
  const probability = follows.value?.probability ?? null;
  if (probability === null) return null;
  return (
    <output class="figures" title="Next-sentence probability, by the model's own head for it">
      follows A: {percent(probability)}
    </output>
  );
}

interface PairButtonProps {
  store: Store;
  wanted: Signal<boolean>;
  shown: boolean;
}

function PairButton({ store, wanted, shown }: PairButtonProps) {
  const press = () => {
    wanted.value = !shown;
    if (shown) store.editor.edit("", "pair");
  };
  return (
    <button type="button" class="quiet" onClick={press}>
      {shown ? "− sentence B" : "+ sentence B"}
    </button>
  );
}
