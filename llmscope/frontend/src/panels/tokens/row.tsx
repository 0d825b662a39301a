import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Line } from "../../store/attention/types";
import type { Side, Store } from "../../store/store";
import { type Field, rowOf, sharing } from "../../store/text-input";
import { isCode } from "../../ui/code";
import { onKeys } from "../../ui/keys";
import { clamp } from "../../ui/scale";
import { TextArea } from "../../ui/text-area";
import { Shaded, Specials } from "./shaded";
import { tap } from "./tap";

interface RowProps {
  store: Store;
  field: Field;
  line: Line | null;
  /** The token of its side under the mouse. */
  hovered: Signal<number | null>;
  name: string;
  placeholder: string;
  /** Shown before it. */
  children?: ComponentChildren;
}

/**
 * A text, large: shaded by attention from the token in focus, underlined by probability.
 * Behind the text area is a copy, letter for letter, that has the colours.
 */
export function Row({ store, field, line, hovered, name, placeholder, children }: RowProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const copy = useRef<HTMLDivElement>(null);
  const page = useRef<HTMLDivElement>(null);
  const { state, editor } = store;
  const value = state[field];
  const typed = useSignal(value.value);
  const trace = store.trace.value;
  const editable = state.editable.value;
  const side: Side = field === "target" ? "target" : "tokens";
  const row = trace && rowOf(trace, field);
  const here = store.here(side);

  useEffect(() => {
    const found = copy.current?.querySelector<HTMLElement>(".here");
    if (found && page.current) reveal(found, page.current);
  }, [trace, here]);

  const suggestion = suggestionOf(store, field);
  const last = (trace?.[side].length ?? 0) - 1;
  const at = here < 0 ? last : here;
  const keys = onKeys("text", {
    accept({ event }) {
      const { selectionStart, selectionEnd, value } = area.current!;
      const atEnd = selectionStart === value.length && selectionEnd === value.length;
      if (!atEnd || !suggestion || event.shiftKey) return false;
      // The one way to insert text that the browser's own undo takes back.
      document.execCommand("insertText", false, suggestion.text);
    },
    walk: ({ right }) => store.pin(clamp(at + right, 0, last), side),
    mask: () => (side === "tokens" ? editor.mask(at) : false),
    second: () => store.whatIf.ask("source"),
    steer: () => store.whatIf.ask("steering"),
    undo: () => editor.undo(),
  });
  const tokenAt = (event: MouseEvent): number | null => {
    const root = copy.current!.getRootNode() as Document | ShadowRoot;
    const found = root
      .elementsFromPoint(event.clientX, event.clientY)
      .find((node) => (node as HTMLElement).dataset?.token !== undefined);
    return found && copy.current!.contains(found)
      ? Number((found as HTMLElement).dataset.token)
      : null;
  };
  const press = (event: MouseEvent) => {
    const token = tokenAt(event);
    if (token === null || area.current!.selectionStart !== area.current!.selectionEnd) return;
    const isMasked = trace!.masked.includes(token);
    const isHere = here >= 0 && sharing(trace![side], token).includes(here);
    // Of several gaps, a click chooses one; the next unmasks it.
    if (side === "tokens" && editor.canMask(token) && (isHere || !isMasked)) editor.mask(token);
    else tap(store, token, side);
  };
  const shown = { store, side, line, here, hovered };
  return (
    <div class={`field ${children ? "named" : ""}`}>
      {children}
      <div
        ref={page}
        class="page scrolls"
        onPointerMove={(event) => (hovered.value = tokenAt(event))}
        onPointerLeave={() => (hovered.value = null)}
        onClick={press}
      >
        {row && <Specials {...shown} row={row} leading />}
        <div
          class={`sheet ${trace?.roles.length ? "turns" : ""} ${isCode(typed.value) ? "code" : ""}`}
        >
          <div class="copy" ref={copy} aria-hidden="true">
            {row ? <Shaded {...shown} row={row} text={typed.value} /> : typed.value}
            {editable && (
              <span class="suggestion">
                {suggestion && typed.value === value.value && suggestion.label}
              </span>
            )}
            {"\u200b"}
          </div>
          <TextArea
            area={area}
            value={value}
            typed={typed}
            name={name}
            placeholder={editable && !suggestion ? placeholder : ""}
            readOnly={!editable}
            onEdit={(text) => editor.edit(text, field)}
            onKeyDown={keys}
          />
        </div>
        {row && <Specials {...shown} row={row} leading={false} />}
      </div>
    </div>
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

export interface Suggestion {
  text: string;
  /** How it is drawn: what is only white space by its marks. */
  label: string;
}

/** The likeliest next token, once the model is up to date with the text. */
export function suggestionOf({ next, state, editor }: Store, field: Field): Suggestion | null {
  if (editor.fillsGaps || editor.target.value !== field) return null;
  const text = next.value!.texts[0];
  if (!text) return null;
  return {
    text: state[field].value ? text : text.trimStart(),
    label: /^ ?[^\s]/u.test(text) ? text : next.value!.labels[0]!,
  };
}
