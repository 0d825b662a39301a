/** What views of an exported page show, in its address: `#layer=24&head=4&2.temperature=0.7`. */

import type { TextInput } from "../protocol/keys";
import {
  COLOR_SCALES,
  COMBINE,
  DIRECTIONS,
  EXAMPLES,
  KINDS,
  MEASURES,
  MODES,
  MOST_HEADS,
  OF_TWO,
  ORDERS,
  SEGMENTS,
  SHADES,
  SIDES,
  STREAMS,
  SURVEY_SCORES,
  TEXT_SHADES,
} from "../protocol/shared";
import { common } from "#words/common";
import { address as words } from "#words/address";
import { choose, fill } from "../words/fill";

/** What a view can show. */
export interface Room {
  /** Its traits as it was exported. */
  traits: Readonly<Record<string, unknown>>;
  /** Of a trait the highest value, where the page knows it. */
  most: Readonly<Record<string, number>>;
  /** The texts that its reader may choose. */
  inputs: readonly TextInput[];
  /** Of other traits that take only what the page holds, their values. */
  held: Readonly<Record<string, readonly unknown[]>>;
}

/** How the value of a trait is written. */
interface Form {
  /** `undefined` of what is none. */
  read: (text: string, room: Room) => unknown;
  write: (value: unknown) => string;
  /** What it takes, in words. */
  takes: (room: Room) => string;
}

const same = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

const numberIn = (text: string, least: number, most: number): number | undefined => {
  const value = /^-?\d+(\.\d+)?(e-?\d+)?$/i.test(text) ? Number(text) : NaN;
  return value >= least && value <= most && value < Infinity ? value : undefined;
};

const number = (least = 0, most = Infinity): Form => ({
  read: (text) => numberIn(text, least, most),
  write: String,
  takes: () =>
    most < Infinity
      ? fill(words.takes.share, { least, most })
      : fill(words.takes.number, { least }),
});

const whole = (least = 0, name = ""): Form => ({
  read: (text, { most }) =>
    /^-?\d+$/.test(text) ? numberIn(text, least, most[name] ?? MOST) : undefined,
  write: String,
  takes: ({ most }) =>
    name in most
      ? fill(words.takes.between, { least, most: most[name]! })
      : fill(words.takes.whole, { least }),
});

const oneOf = (namesOf: (room: Room) => readonly string[]): Form => ({
  read: (text, room) => (namesOf(room).includes(text) ? text : undefined),
  write: String,
  takes: (room) =>
    fill(words.takes.among, { names: namesOf(room).filter(Boolean).join(common.names) }),
});

const among = (...names: readonly string[]): Form => oneOf(() => names);

const flag: Form = {
  read: (text) => (text === "true" ? true : text === "false" ? false : undefined),
  write: String,
  takes: () => words.takes.flag,
};

const heads: Form = {
  read(text, room) {
    const pairs = text === "" ? [] : text.split(",").map((pair) => pair.split("."));
    const found = pairs.map(([layer = "", head = "", ...more]) => [
      more.length > 0 ? undefined : FORMS.layer!.read(layer, room),
      FORMS.head!.read(head, room),
    ]);
    const isWrong =
      found.flat().includes(undefined) || new Set(found.map(String)).size < found.length;
    return isWrong || found.length > MOST_HEADS ? undefined : found;
  },
  write: (value) => (value as number[][]).map((pair) => pair.join(".")).join(),
  takes: () => fill(words.takes.heads, { most: MOST_HEADS }),
};

const ids: Form = {
  read(text) {
    const found = text === "" ? [] : text.split(",").map((id) => whole().read(id, NOWHERE));
    return found.length > 2 || found.includes(undefined) ? undefined : found;
  },
  write: (value) => (value as number[]).join(),
  takes: () => words.takes.ids,
};

/** What is in no list but the page's own. */
const held = (name: string, isText: boolean): Form => ({
  read: (text, { held, inputs, traits }) =>
    [traits[name], ...(name === "text" ? inputs.map(({ text }) => text) : (held[name] ?? []))].find(
      (one) => (isText ? one : JSON.stringify(one)) === text,
    ),
  write: (value) => (isText ? String(value) : JSON.stringify(value)),
  takes: () => words.takes.held,
});

const NOWHERE: Room = { traits: {}, most: {}, inputs: [], held: {} };
const MOST = 1e9;

/** In the order in which they are written. */
const FORMS: Readonly<Record<string, Form>> = {
  text: held("text", true),
  edits: held("edits", false),
  side: oneOf(({ traits }) => ("other_text" in traits ? OF_TWO : SIDES)),
  run: whole(0, "run"),
  step: whole(-1),
  probe: whole(0, "probe"),
  held: whole(-1),
  held_run: whole(0, "run"),
  layer: whole(0, "layer"),
  head: whole(0, "head"),
  heads,
  kind: among("", ...KINDS),
  mode: among(...MODES),
  combine: among(...COMBINE),
  direction: among(...DIRECTIONS),
  hide_sink: flag,
  color_scale: among(...COLOR_SCALES),
  segments: among(...SEGMENTS),
  threshold: number(0, 1),
  position: whole(-1),
  temperature: number(),
  top_k: whole(),
  top_p: number(0, 1),
  min_p: number(0, 1),
  typical_p: number(1e-9, 1),
  order: among(...ORDERS),
  shade: oneOf(({ traits }) => ("seed" in traits ? SHADES : TEXT_SHADES)),
  effect_of: ids,
  lens: among(...MEASURES),
  stream: among(...STREAMS),
  x: among(...SURVEY_SCORES),
  y: among(...SURVEY_SCORES),
  examples: among(...EXAMPLES),
  measure: held("measure", true),
  ordering: among("given", "ascending", "descending"),
  chain_rule: flag,
  lecture: flag,
};

const NAMES = Object.keys(FORMS);

/** Traits that follow an address: those that can be in it, and what comes with a text. */
export const ADDRESSED = [...NAMES, "pair", "target", "masked"];

/** What an address says of a view: traits other than as it was exported, and what is wrong with it. */
export interface Said {
  traits: Record<string, unknown>;
  problem: string;
}

/** Reads what is behind the `#` of an address; what makes no sense is left out, and said in words. */
export function readAddress(hash: string, rooms: readonly Room[]): Said[] {
  const said: Said[] = rooms.map(() => ({ traits: {}, problem: "" }));
  let unknown = 0;
  for (const [name, text] of new URLSearchParams(hash.includes("=") ? hash.slice(1) : "")) {
    const [, number, trait] = /^(?:(\d+)\.)?(\w+)$/.exec(name) ?? [];
    const form = Object.hasOwn(FORMS, trait ?? "") ? FORMS[trait!]! : null;
    const meant = rooms.flatMap((room, index) =>
      form && trait! in room.traits && (!number || Number(number) === index + 1) ? [index] : [],
    );
    if (meant.length === 0) unknown++;
    for (const index of meant) {
      const room = rooms[index]!;
      const value = form!.read(text, room);
      const input = trait === "text" && room.inputs.find((one) => one.text === value);
      if (value !== undefined) Object.assign(said[index]!.traits, { [trait!]: value }, input || {});
      else said[index]!.problem ||= fill(words.value, { name: trait!, takes: form!.takes(room) });
    }
  }
  if (unknown > 0 && said[0]) said[0].problem ||= plural(unknown);
  return said;
}

const plural = (count: number) => fill(choose(words.unknown, count), { count });

/** Writes what views show, where that isn't as they were exported: with its `#`, or else nothing. */
export function writeAddress(
  rooms: readonly Room[],
  now: readonly ((name: string) => unknown)[],
): string {
  const found = NAMES.flatMap((name) => {
    // A text that nobody can choose follows from something else.
    const isOpen = ({ inputs }: Room) => name !== "text" || inputs.length > 0;
    const here = rooms.flatMap((room, index) =>
      name in room.traits && isOpen(room) ? [index] : [],
    );
    const values = here.map((index) => now[index]!(name));
    const changed = here.filter((index, at) => !same(rooms[index]!.traits[name], values[at]));
    const entry = (prefix: string, value: unknown) =>
      `${prefix}${name}=${encodeURIComponent(FORMS[name]!.write(value)).replaceAll("%2C", ",")}`;
    if (changed.length > 0 && values.every((value) => same(value, values[0])))
      return [entry("", values[0])];
    return changed.map((index) => entry(`${index + 1}.`, now[index]!(name)));
  });
  return found.length > 0 ? `#${found.join("&")}` : "";
}
