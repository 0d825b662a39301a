import { explained } from "./bytes";

/** How a token is called in a sentence: without the mark of the space before it. */
export const plain = (label: string): string =>
  label.length > 1 && label.startsWith("·") ? label.slice(1) : label;

/** What stands for white space, and explains bytes, is every second part. */
const partsOf = (text: string): string[] => text.split(/([·↵⇥␍⍽□]+|⟨[^⟩]*⟩| \d+\/\d+$)/u);

/** A token's label: the marks that stand for white space are paler than the text itself, and bytes are explained. */
export function Label({ text }: { text: string }) {
  return (
    <span class="token-label" title={explained(text) ?? undefined}>
      {partsOf(text).map((part, index) => (index % 2 ? <i key={index}>{part}</i> : part))}
    </span>
  );
}

/** The same within a text of a drawing. */
export function DrawnLabel({ text }: { text: string }) {
  return (
    <>
      {partsOf(text).map((part, index) => (
        <tspan key={index} class={index % 2 ? "mark" : undefined}>
          {part}
        </tspan>
      ))}
    </>
  );
}
