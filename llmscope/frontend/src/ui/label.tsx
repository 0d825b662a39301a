import { explained } from "./bytes";

/** How a token is called in a sentence: without the mark of the space before it. */
export const plain = (label: string): string =>
  label.length > 1 && label.startsWith("·") ? label.slice(1) : label;

/** A token's label: the marks that stand for white space are paler than the text itself, and bytes are explained. */
export function Label({ text }: { text: string }) {
  const parts = text.split(/([·↵⇥␍⍽□]+|⟨[^⟩]*⟩| \d+\/\d+$)/u);
  return (
    <span class="token-label" title={explained(text) ?? undefined}>
      {parts.map((part, index) => (index % 2 ? <i key={index}>{part}</i> : part))}
    </span>
  );
}
