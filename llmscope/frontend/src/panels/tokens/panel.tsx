import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { FollowsAnswer } from "../../protocol/answers";
import type { Store } from "../../store/store";
import { percent } from "../../ui/format";
import { Hint } from "../../ui/hint";
import { useDeferred } from "../../ui/use-deferred";
import { common } from "#words/common";
import { tokens as words } from "#words/tokens";
import { fill } from "../../words/fill";
import type { PanelProps } from "../props";
import { Caption } from "./caption";
import { DecoderButtons } from "./decoder-buttons";
import { Row } from "./row";
import { WhatIf } from "./what-if";

/** What the model reads: a text, with a second sentence or the text of a decoder. */
export function Tokens({ store }: PanelProps) {
  const hoveredTarget = useSignal<number | null>(null); // of the decoder's tokens, under the mouse
  const wantsPair = useSignal(false);
  const { state, editor } = store;
  const { family, note } = store.model.value!;
  const trace = store.trace.value;
  const editable = state.editable.value;
  const line = useDeferred(store.attention.line);
  const shown = { store, line: line?.trace === store.attention.trace.value ? line : null };
  const hasTarget = family === "encoder-decoder";
  const readsPairs = editable && (family === "masked" || family === "encoder");
  const hasPair = state.pair.value !== "" || (wantsPair.value && readsPairs);
  return (
    <section class="panel card tokens" aria-label={common.text}>
      <Row
        {...shown}
        field="text"
        hovered={store.hovered}
        name={editable ? common.prompt : common.text}
        placeholder={words.type}
      >
        {hasTarget ? <Name text={words.encoder} /> : hasPair && <Name text={words.sentenceA} />}
      </Row>
      {hasPair && (
        <Row
          {...shown}
          field="pair"
          hovered={store.hovered}
          name={words.sentenceB}
          placeholder={words.typeSentence}
        >
          <Name text={words.sentenceB}>
            <Follows store={store} />
          </Name>
        </Row>
      )}
      {hasTarget && (
        <Row
          {...shown}
          field="target"
          hovered={hoveredTarget}
          name={words.decoder}
          placeholder={words.typeDecoder}
        >
          <Name text={words.decoder}>{editable && <DecoderButtons store={store} />}</Name>
        </Row>
      )}
      <div class="under" tabIndex={-1}>
        <Caption {...shown} hoveredTarget={hoveredTarget} />
        {editable && (
          <button
            type="button"
            class={`quiet ${editor.canUndo.value ? "" : "unseen"}`}
            onClick={() => editor.undo()}
          >
            {common.undo}
          </button>
        )}
        {readsPairs && <PairButton store={store} wanted={wantsPair} shown={hasPair} />}
        <WhatIf store={store} />
      </div>
      <Hint name="type" />
      {[note, trace?.why_no_roles].map((text) => text && <p class="note">{text}</p>)}
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
    <output class="figures" title={words.followsTitle}>
      {fill(words.follows, { share: percent(probability) })}
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
      {shown ? words.removeSentence : words.addSentence}
    </button>
  );
}
