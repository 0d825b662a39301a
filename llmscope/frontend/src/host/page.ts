import { followHeight } from "./frame";
import { followTheme } from "./theme";

/**
 * Makes a page of ours part of the page around it: its light or dark, and room for its height, which
 * on paper is `onPaper`, if it is laid out for that.
 */
export function fitIn(main: HTMLElement, onPaper?: () => number): void {
  const { style } = document.documentElement;
  followTheme(main, (theme) => {
    if (style.colorScheme !== theme) style.colorScheme = theme;
  });
  followHeight(main, onPaper);
}
