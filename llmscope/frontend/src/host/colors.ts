import type { ReadonlySignal } from "@preact/signals";
import { createContext } from "preact";
import type { Ink } from "../draw/color-scale";
import { COLORS } from "../protocol/shared";
import type { Theme } from "./theme";

export const ThemeContext = createContext<ReadonlySignal<Theme>>(null!);

interface Inks {
  attention: Ink;
  likely: Ink;
  /** The two ends of what has a sign: told apart by people who see few colours, as heads are. */
  more: Ink;
  less: Ink;
  ground: Ink;
  text: Ink;
  /** Of cells that may have a weight: a CSS colour. */
  cell: string;
  /** Of chosen heads: told apart by people who see few colours (after Okabe and Ito, and Tol). */
  heads: readonly Ink[];
}

/** Red, green and blue of `#rrggbb`. */
const inkOf = (hex: string): Ink =>
  [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as unknown as Ink;

const inksOf = (
  { attention, likely, more, less, ground, ink, heads }: (typeof COLORS)[Theme],
  cell: string,
): Inks => ({
  attention: inkOf(attention),
  likely: inkOf(likely),
  more: inkOf(more),
  less: inkOf(less),
  ground: inkOf(ground),
  text: inkOf(ink),
  cell,
  heads: heads.map(inkOf),
});

/** What canvases draw with. */
export const INK: Record<Theme, Inks> = {
  light: inksOf(COLORS.light, "rgb(59 63 182 / 5%)"),
  dark: inksOf(COLORS.dark, "rgb(255 255 255 / 9%)"),
};

/** Colours as CSS variables; of some also red, green and blue, to be made paler. */
function variablesOf({ heads: _, ground, ...colors }: (typeof COLORS)[Theme]): string {
  const plain = Object.entries(colors).map(([name, hex]) => [name.replace("_", "-"), hex]);
  const triples = (["attention", "likely", "more", "less"] as const).map((name) => [
    `${name}-rgb`,
    inkOf(colors[name]).join(" "),
  ]);
  return [["ground", `var(--jp-layout-color0, ${ground})`], ...plain, ...triples]
    .map(([name, value]) => `--${name}:${value}`)
    .join(";");
}

export const themeCss = `.llmscope{${variablesOf(COLORS.light)}}.llmscope.dark{${variablesOf(COLORS.dark)}}`;
