/** What the workshop shows, as its address says it: `#fixture=cjk&panel=attention&theme=dark&lang=zh`. */

import { PANELS } from "./front";

/** Names of all panels. */
export const NAMES = PANELS.map(({ name }) => name);

/** Panels that are shown together. */
export const SETS: Record<string, readonly string[]> = {
  all: NAMES,
  explorer: [
    "header",
    "tokens",
    "overview",
    "attention",
    "next-token",
    "chain",
    "patching",
    "model",
  ],
};

export const WIDTHS = [1150, 600, 390] as const;

export interface Address {
  fixture: string;
  /** One panel, or one of the sets. */
  panel: string;
  theme: "light" | "dark";
  lang: string;
  /** In pixels. */
  width: number;
  /** After how many ms each answer comes; then any text can be typed. 0 is at once, and none. */
  pace: number;
  /** Whether one is told at first what to do. */
  hints: boolean;
  /** First values of traits, which take the place of the fixture's own. */
  traits: Record<string, unknown>;
}

const OWN = new Set(["fixture", "panel", "theme", "lang", "width", "pace", "hints"]);

/** Every name that isn't the workshop's own is a trait; its value is JSON, or else a text. */
export function readAddress(hash: string, fixture: string): Address {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  return {
    fixture: given.get("fixture") ?? fixture,
    panel: given.get("panel") ?? "all",
    theme: given.get("theme") === "dark" ? "dark" : "light",
    lang: given.get("lang") ?? "en",
    width: Number(given.get("width") ?? WIDTHS[0]),
    pace: Number(given.get("pace") ?? 0),
    hints: given.get("hints") === "true",
    traits: Object.fromEntries(
      [...given].filter(([name]) => !OWN.has(name)).map(([name, text]) => [name, value(text)]),
    ),
  };
}

export function writeAddress({ traits, ...own }: Address): string {
  const texts = Object.entries(traits).map(([name, value]) => [name, JSON.stringify(value)]);
  const all = [...Object.entries(own).map(([name, value]) => [name, String(value)]), ...texts];
  return `#${new URLSearchParams(all)}`;
}

function value(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
