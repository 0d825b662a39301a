import { type Address, SETS } from "./address";
import { PANELS, type Page } from "./front";

const ALWAYS = ["header", "chain"]; // no views of their own: pages hold what they need with the text

/**
 * The traits of what the address asks for. A fixture's views read the same source: together they
 * hold the traits of all panels, and the first says what is in focus.
 */
export function traitsOf(
  { views }: Page,
  { panel, pace, traits }: Address,
): Record<string, unknown> {
  const held = new Set(views.flatMap((view) => view.traits._panels as string[]));
  const hasModel = PANELS.some(({ name, needsModel }) => needsModel !== false && held.has(name));
  const panels = (SETS[panel] ?? [panel]).filter(
    (name) => (hasModel && ALWAYS.includes(name)) || held.has(name),
  );
  return {
    ...Object.assign({}, ...views.map((view) => view.traits).reverse()),
    _panels: panels,
    ...(pace > 0 && { _editable: true }),
    ...traits,
  };
}
