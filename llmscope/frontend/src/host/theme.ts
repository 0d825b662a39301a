import type { Signal } from "@preact/signals";
import { createContext } from "preact";
import type { Ink } from "../draw/color-scale";

export type Theme = "light" | "dark";

export const ThemeContext = createContext<Signal<Theme>>(null!);

interface Inks {
  attention: Ink;
  ground: Ink;
  text: Ink;
  /** Of chosen heads: told apart by people who see few colours (after Okabe and Ito, and Tol). */
  heads: readonly Ink[];
}

/** What canvases draw with; the first are the same as in base.css. */
export const INK: Record<Theme, Inks> = {
  light: {
    attention: [59, 63, 182],
    ground: [255, 255, 255],
    text: [27, 29, 42],
    heads: [
      [0, 114, 178],
      [213, 94, 0],
      [0, 140, 102],
      [190, 90, 150],
      [200, 140, 0],
      [70, 160, 215],
      [136, 34, 85],
      [120, 120, 40],
    ],
  },
  dark: {
    attention: [139, 143, 255],
    ground: [20, 23, 28],
    text: [236, 238, 244],
    heads: [
      [79, 168, 224],
      [255, 138, 76],
      [47, 199, 154],
      [227, 154, 196],
      [240, 190, 70],
      [150, 214, 245],
      [215, 110, 160],
      [201, 201, 94],
    ],
  },
};
