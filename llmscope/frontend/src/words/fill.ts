import type { ComponentChildren } from "preact";
import { language } from "#words/language";

/** Names of the places of a template: of "{count} tokens" it is "count". */
type Places<T extends string> = string extends T
  ? string
  : T extends `${string}{${infer Name}}${infer Rest}`
    ? Name | Places<Rest>
    : never;

/** A sentence for one of a thing, and for other numbers of it. */
export interface Forms {
  one: string;
  other: string;
}

const rules = new Intl.PluralRules(language);

/** A template with what goes into its places. */
export const fill = <T extends string>(
  template: T,
  places: Record<Places<T>, string | number>,
): string => rich(template, places).join("");

/** The same with nodes in its places, in the order that the language has. */
export function rich<T extends string>(
  template: T,
  places: Record<Places<T>, ComponentChildren>,
): ComponentChildren[] {
  const parts: ComponentChildren[] = template.split(/\{(\w+)\}/);
  for (let i = 1; i < parts.length; i += 2) parts[i] = places[parts[i] as Places<T>];
  return parts;
}

/** The form for a number. */
export const choose = <F extends Forms>(forms: F, number: number): F[keyof Forms] =>
  forms[rules.select(number) as keyof Forms] ?? forms.other;
