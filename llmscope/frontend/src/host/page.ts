import { type Heights, followHeight, handOn } from "./frame";
import { followTheme } from "./theme";

/** Makes a page of ours part of the page around it: its light or dark, and room for its height. */
export function fitIn(main: HTMLElement, heights: Heights = {}): void {
  const { style } = document.documentElement;
  followTheme(main, (theme) => {
    if (style.colorScheme !== theme) style.colorScheme = theme;
  });
  followHeight(main, heights);
  handOn();
}
