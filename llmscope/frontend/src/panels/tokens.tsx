import { useSignal, useSignalEffect } from "@preact/signals";
import { Fragment } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { PanelProps } from "../app";
import { opacity } from "../draw/shade";
import { percent, weight } from "../math/format";
import type { TraceAnswer } from "../store/answers";
import { type Line, sidesOf } from "../store/attention/state";
import type { Store } from "../store/store";
import { Label, plain } from "./label";
import { type Piece, pieces } from "./pieces";

/**
 * The text, large: shaded by attention from the token in focus, underlined by probability.
 *
 * What is typed into is a plain text area, so that caret, selection, undo and input methods are
 * the browser's own. Behind it, letter for letter, lies a copy that carries the colours.
 */
export function Tokens({ store }: PanelProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const copy = useRef<HTMLDivElement>(null);
  const page = useRef<HTMLDivElement>(null);
  const composing = useRef(false);
  const text = store.state.text.value;
  const typed = useSignal(text);
  const trace = store.trace.value;
  const editable = store.state.editable.value;

  useSignalEffect(() => {
    const wanted = store.state.text.value;
    if (composing.current || !area.current) return;
    if (area.current.value !== wanted) area.current.value = wanted;
    typed.value = wanted;
  });
  useEffect(() => {
    const here = copy.current?.querySelector<HTMLElement>(".here");
    if (here && page.current) reveal(here, page.current);
  }, [trace, store.focus.value]);

  const commit = () => {
    typed.value = area.current!.value;
    if (!composing.current) store.edit(area.current!.value);
  };
  const suggestion = editable ? suggestionOf(store) : null;
  const accept = () => {
    const input = area.current!;
    input.focus();
    input.setSelectionRange(input.value.length, input.value.length);
    // The one way to insert text that the browser's own undo takes back.
    document.execCommand("insertText", false, suggestion!.text);
  };
  const keys = (event: KeyboardEvent) => {
    if (event.isComposing || composing.current) return;
    const { selectionStart, selectionEnd, value } = area.current!;
    const atEnd = selectionStart === value.length && selectionEnd === value.length;
    const last = (trace?.tokens.length ?? 0) - 1;
    if (event.altKey && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      event.preventDefault();
      const by = event.key === "ArrowLeft" ? -1 : 1;
      store.pin(Math.min(Math.max(store.focus.value + by, 0), last));
    } else if (event.key === "ArrowRight" && atEnd && suggestion && !event.shiftKey) {
      event.preventDefault();
      accept();
    }
  };
  const at = (event: MouseEvent): number | null => {
    const root = copy.current!.getRootNode() as Document | ShadowRoot;
    const found = root
      .elementsFromPoint(event.clientX, event.clientY)
      .find((node) => (node as HTMLElement).dataset?.token !== undefined);
    return found && copy.current!.contains(found)
      ? Number((found as HTMLElement).dataset.token)
      : null;
  };
  const pin = (event: MouseEvent) => {
    const token = at(event);
    if (token !== null && area.current!.selectionStart === area.current!.selectionEnd)
      store.pin(token);
  };

  const current = shading(store);
  return (
    <section class="panel tokens" aria-label="Text">
      <div
        ref={page}
        class="page"
        onPointerMove={(event) => (store.hovered.value = at(event))}
        onPointerLeave={() => (store.hovered.value = null)}
        onClick={pin}
      >
        <Specials store={store} line={current} leading />
        <div class="sheet">
          <div class="copy" ref={copy} aria-hidden="true">
            <Shaded store={store} text={typed.value} line={current} />
            {suggestion && typed.value === text && !composing.current && (
              <span class="suggestion">{suggestion.label}</span>
            )}
            {"\u200b"}
          </div>
          <textarea
            ref={area}
            rows={1}
            readOnly={!editable}
            spellcheck={false}
            autocomplete="off"
            autocapitalize="off"
            aria-label={editable ? "Prompt" : "Text"}
            placeholder={editable ? "Type a text…" : ""}
            defaultValue={text}
            onInput={commit}
            onCompositionStart={() => (composing.current = true)}
            onCompositionEnd={() => {
              composing.current = false;
              commit();
            }}
            onKeyDown={keys}
            // JupyterLab takes undo, redo and new lines from every editable element of a cell.
            onBeforeInput={(event) => event.stopImmediatePropagation()}
          />
        </div>
        <Specials store={store} line={current} leading={false} />
      </div>
      <Caption store={store} line={current} suggestion={suggestion} />
    </section>
  );
}

/** Scrolls a long text so that an element of it is in sight; the page itself stays. */
function reveal(element: HTMLElement, page: HTMLElement): void {
  const [inner, outer] = [element.getBoundingClientRect(), page.getBoundingClientRect()];
  const above = inner.top - outer.top;
  const below = inner.bottom - outer.bottom;
  if (above < 0) page.scrollTop += above - inner.height;
  else if (below > 0) page.scrollTop += below + inner.height;
}

interface Suggestion {
  text: string;
  /** How it is drawn: what is only white space by its marks. */
  label: string;
}

/** The likeliest next token, once the model is up to date with the text. */
function suggestionOf(store: Store): Suggestion | null {
  const next = store.next.value;
  if (!next || store.behind.value || store.model.value?.family !== "causal") return null;
  const text = next.texts[0];
  if (!text || next.position !== next.trace.last) return null;
  return { text, label: /^ ?[^\s]/u.test(text) ? text : next.labels[0]! };
}

interface ShadedProps {
  store: Store;
  text: string;
  line: Line | null;
}

function Shaded({ store, text, line }: ShadedProps) {
  const trace = store.trace.value;
  if (!trace) return <>{text}</>;
  return (
    <>
      {pieces(trace, text).map((piece) =>
        piece.tokens.length === 0 ? (
          piece.text
        ) : (
          <Fragment key={piece.tokens[0]}>
            {piece.text.slice(0, wordOf(piece.text))}
            <span data-token={piece.tokens[0]} {...look(store, trace, piece, line)}>
              {piece.text.slice(wordOf(piece.text))}
            </span>
          </Fragment>
        ),
      )}
    </>
  );
}

/** Where the word of a token begins: a space before it is its own, but isn't shaded. */
const wordOf = (text: string): number => (/^\s+\S/u.test(text) ? text.search(/\S/u) : 0);

function look(
  store: Store,
  trace: TraceAnswer,
  { tokens }: Pick<Piece, "tokens">,
  line: Line | null,
) {
  const chain = store.chain.value;
  const logprobs = chain && chain.trace === trace ? chain.logprobs.data : null;
  const shade = line ? tokens.reduce((sum, token) => sum + (line.weights[token] ?? 0), 0) : 0;
  const logprob = logprobs ? tokens.reduce((sum, token) => sum + logprobs[token]!, 0) : NaN;
  const shown = Math.abs(shade) >= store.state.threshold.value ? Math.abs(shade) : 0;
  const here = tokens.includes(store.focus.value);
  const hovered = store.hovered.value !== null && tokens.includes(store.hovered.value);
  return {
    class: `token ${here ? "here" : ""} ${hovered ? "hovered" : ""}`,
    style: {
      "--shade": opacity(shown, store.state.colorScale.value).toFixed(3),
      "--likely": Number.isFinite(logprob) ? `${(100 * Math.exp(logprob)).toFixed(1)}%` : "0%",
    },
  };
}

/** The attention that the text is shaded by: that of the token in focus, where it is to tokens of the text. */
function shading({ attention, trace }: Store): Line | null {
  const line = attention.line.value;
  if (!line || line.trace !== trace.value) return null;
  const { queries, keys } = sidesOf(line.trace, line.kind);
  return (line.direction === "from" ? keys : queries) === line.trace.tokens ? line : null;
}

/** Whose attention it is, in words. */
function whose({ name, layer, head }: Line): string {
  const [what] = name.replace("sinkless.", "").split(".");
  if (what === "head") return `in layer ${layer}, head ${head}`;
  if (what === "rollout") return `by rollout to layer ${layer}`;
  return what === "difference" ? "as two heads differ" : `as the ${what} of chosen heads`;
}

interface SpecialsProps {
  store: Store;
  line: Line | null;
  leading: boolean;
}

/** Special tokens that the tokenizer put before or behind the text. */
function Specials({ store, line, leading }: SpecialsProps) {
  const trace = store.trace.value;
  if (!trace) return null;
  const outside = trace.tokens
    .map((token, index) => ({ token, index }))
    .filter(({ token: [, , start, end, special] }) => special && start === end)
    .filter(({ token: [, , start], index }) =>
      trace.text.length === 0
        ? leading === index < trace.tokens.length - 1
        : leading === (start === 0),
    );
  if (outside.length === 0) return null;
  return (
    <div class="specials">
      {outside.map(({ token, index }) => {
        const { class: name, style } = look(store, trace, { tokens: [index] }, line);
        return (
          <button
            key={index}
            type="button"
            class={name}
            style={style}
            data-token={index}
            onPointerEnter={() => (store.hovered.value = index)}
            onClick={(event) => {
              event.stopPropagation();
              store.pin(index);
            }}
          >
            {token[1]}
          </button>
        );
      })}
    </div>
  );
}

interface CaptionProps {
  store: Store;
  line: Line | null;
  suggestion: Suggestion | null;
}

/** One line that says what one sees. */
function Caption({ store, line, suggestion }: CaptionProps) {
  const trace = store.trace.value;
  const waiting = store.waiting.value;
  const hovered = store.hovered.value;
  if (waiting)
    return (
      <p class="caption" role="status">
        {waiting}
      </p>
    );
  if (!trace) return <p class="caption">Every panel below follows what you type.</p>;
  const from = plain(trace.tokens[store.focus.value]?.[1] ?? "");
  const token = hovered === null ? undefined : trace.tokens[hovered];
  if (token && hovered !== null && !store.behind.value) {
    const chain = store.chain.value;
    const logprob = chain?.trace === trace ? chain.logprobs.data[hovered] : undefined;
    const likely = logprob !== undefined && Number.isFinite(logprob);
    return (
      <p class="caption figures" role="status">
        “<Label text={plain(token[1])} />” token {hovered}, id {token[0]}
        {line && (
          <>
            {" · "}attention {line.direction} “<Label text={from} />”{" "}
            <b>{weight(line.weights[hovered] ?? 0)}</b>
          </>
        )}
        {likely && <> · probability {percent(Math.exp(logprob))}</>}
      </p>
    );
  }
  return (
    <p class="caption">
      {line && (
        <>
          Shade: attention {line.direction} “<Label text={from} />” {whose(line)}.{" "}
        </>
      )}
      {store.chain.value && "Underline: how likely the model found each token. "}
      {suggestion && <>Press → to take “{suggestion.label.trim()}”.</>}
    </p>
  );
}
