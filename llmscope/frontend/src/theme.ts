import type { Signal } from "@preact/signals";
import { createContext } from "preact";
import type { Ink } from "./draw/shade";

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

const WATCHED = ["data-jp-theme-light", "data-jp-theme-name", "data-theme", "class", "style"];

/** Calls back with the theme of the page around `el`, now and whenever it changes. */
export function followTheme(el: HTMLElement, found: (theme: Theme) => void): () => void {
  const place = frame() ?? el;
  const { documentElement, body } = place.ownerDocument;
  const look = () => found(themeAround(place));
  const observer = new MutationObserver(look);
  for (const node of [documentElement, body]) {
    observer.observe(node, { attributes: true, attributeFilter: WATCHED });
  }
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", look);
  look();
  return () => {
    observer.disconnect();
    system.removeEventListener("change", look);
  };
}

/** The frame that `view.static()` put this page into, where the page around it lets us see it. */
export function frame(): HTMLElement | null {
  const around = window.frameElement as HTMLElement | null;
  return around?.dataset.llmscope === undefined ? null : around;
}

function themeAround(el: HTMLElement): Theme {
  const { documentElement, body } = el.ownerDocument;
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter) return jupyter === "false" ? "dark" : "light";
  const named = documentElement.dataset.theme ?? body.dataset.theme;
  if (named === "dark" || named === "light") return named;
  const ground = groundOf(el);
  if (ground) return ground;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Dark or light by the first opaque background around `el`. */
function groundOf(el: HTMLElement): Theme | undefined {
  for (let node: HTMLElement | null = el; node; node = node.parentElement) {
    const [r, g, b, a = 1] =
      getComputedStyle(node)
        .backgroundColor.match(/[\d.]+/g)
        ?.map(Number) ?? [];
    if (b === undefined || a < 0.5) continue;
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b < 128 ? "dark" : "light";
  }
  return undefined;
}
