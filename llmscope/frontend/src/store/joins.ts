/** Views of one page that move together, whoever made their models: ipywidgets, marimo, or a page. */

import type { Traits } from "./traits";

/** One side of a link, as the trait `_joins` has it. */
interface Join {
  id: string;
  /** Traits that are kept the same, whichever side changes. */
  both: readonly string[];
  /** Traits that the other side follows. */
  gives: readonly string[];
  takes: readonly string[];
}

interface Side {
  join: Join;
  traits: Traits;
  /** Parts it from the other side; `null` while that isn't there. */
  part: (() => void) | null;
}

/** A trait of one follows that of another; the result ends it. */
function follow(one: Traits, other: Traits, name: string): () => void {
  const take = () => {
    const value = other.get(name);
    if (one.get(name) === value) return;
    one.set(name, value);
    one.save_changes();
  };
  other.on(`change:${name}`, take);
  return () => other.off(`change:${name}`, take);
}

/** Keeps traits of two models the same; the result ends it. */
export function join(one: Traits, other: Traits, names: readonly string[]): () => void {
  const ends = names.flatMap((name) => [follow(one, other, name), follow(other, one, name)]);
  return () => ends.forEach((end) => end());
}

/** The sides that are here, by their link: every view brings this program anew, so the page has it. */
function sidesHere(): Map<string, Side[]> {
  const page = window as unknown as Record<symbol, Map<string, Side[]> | undefined>;
  return (page[Symbol.for("llmscope.joins")] ??= new Map());
}

/** Links a model as its trait `_joins` says, with those that are on the page, or come later. */
export function followJoins(traits: Traits): () => void {
  const own = new Map<string, Side>();
  const leave = (side: Side) => {
    side.part?.();
    const { id } = side.join;
    const left = sidesHere()
      .get(id)!
      .filter((other) => other !== side);
    if (left.length > 0) sidesHere().set(id, left);
    else sidesHere().delete(id);
    own.delete(id);
  };
  const read = () => {
    const joins = (traits.get("_joins") ?? []) as Join[];
    for (const side of [...own.values()])
      if (!joins.some(({ id }) => id === side.join.id)) leave(side);
    for (const found of joins) if (!own.has(found.id)) own.set(found.id, arrive(found, traits));
  };
  traits.on("change:_joins", read);
  read();
  return () => {
    traits.off("change:_joins", read);
    for (const side of [...own.values()]) leave(side);
  };
}

/** Joins a model with the other side, if that is here: who comes later takes over what is there. */
function arrive(found: Join, traits: Traits): Side {
  const side: Side = { join: found, traits, part: null };
  const there = sidesHere().get(found.id) ?? [];
  sidesHere().set(found.id, [...there, side]);
  const other = there.at(-1);
  if (!other) return side;
  for (const name of [...found.both, ...found.takes]) traits.set(name, other.traits.get(name));
  traits.save_changes();
  const ends = [
    join(traits, other.traits, found.both),
    ...found.takes.map((name) => follow(traits, other.traits, name)),
    ...found.gives.map((name) => follow(other.traits, traits, name)),
  ];
  other.part?.();
  side.part = other.part = () => ends.forEach((end) => end());
  return side;
}
