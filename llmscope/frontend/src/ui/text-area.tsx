import { type ReadonlySignal, type Signal, useSignalEffect } from "@preact/signals";
import type { RefObject } from "preact";
import { useRef } from "preact/hooks";

interface TextAreaProps {
  area: RefObject<HTMLTextAreaElement | null>;
  value: ReadonlySignal<string>;
  /** Its content, also while it is being composed. */
  typed?: Signal<string>;
  name: string;
  placeholder?: string;
  readOnly?: boolean;
  onEdit: (text: string) => void;
  /** Not called while a character is composed. */
  onKeyDown?: (event: KeyboardEvent) => void;
}

/**
 * A text that is typed. It is a plain text area, so that caret, selection, undo and input methods
 * are the browser's own; what is composed (Chinese, Japanese, Korean) counts once it is done.
 */
export function TextArea(props: TextAreaProps) {
  const { area, value, typed, name, placeholder = "", readOnly = false, onEdit, onKeyDown } = props;
  const composing = useRef(false);
  useSignalEffect(() => {
    const wanted = value.value;
    if (composing.current || !area.current) return;
    if (area.current.value !== wanted) area.current.value = wanted;
    if (typed) typed.value = wanted;
  });
  const commit = () => {
    const text = area.current!.value;
    if (typed) typed.value = text;
    if (!composing.current) onEdit(text);
  };
  return (
    <textarea
      ref={area}
      rows={1}
      readOnly={readOnly}
      spellcheck={false}
      autocomplete="off"
      autocapitalize="off"
      aria-label={name}
      placeholder={placeholder}
      defaultValue={value.peek()}
      onInput={commit}
      onCompositionStart={() => (composing.current = true)}
      onCompositionEnd={() => {
        composing.current = false;
        commit();
      }}
      onKeyDown={(event) => !event.isComposing && !composing.current && onKeyDown?.(event)}
      // JupyterLab takes undo, redo and new lines from every editable element of a cell.
      onBeforeInput={(event) => event.stopImmediatePropagation()}
    />
  );
}
