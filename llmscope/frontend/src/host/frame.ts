/** The frame that a page of ours may be in. */

/** How wide a page is laid out for paper, in pixels; it is made as wide as the paper then. */
export const PAPER = 960;

const REST = 500; // ms after what a person did, until it is known how high that is on paper

/** What may change what is on paper. */
const GESTURES = ["click", "keyup", "change", "input"];

/** Does as the page around says, from now on: `{llmscope: {theme: "dark"}}` makes this one dark. */
export function hearTheme(): void {
  addEventListener("message", ({ source, data }) => {
    const theme: unknown = data?.llmscope?.theme;
    if (source === parent && (theme === "light" || theme === "dark"))
      document.documentElement.dataset.theme = theme;
  });
}

/** How high a page may be; and how high it is on paper, if it is laid out for that. */
export interface Heights {
  most?: number;
  onPaper?: () => number;
}

/**
 * Tells the page around how high this one is, now and whenever `main` changes that; and how high it
 * would be on paper, a while later: who prints it can't wait for that.
 */
export function followHeight(main: HTMLElement, { most = Infinity, onPaper }: Heights): void {
  if (parent === window) return;
  let timer = 0;
  const reportPaper = () => {
    if (!onPaper) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => tell({ paper: onPaper() }), REST);
  };
  const reportHeight = () => {
    const height = Math.min(most, Math.ceil(document.body.getBoundingClientRect().height));
    if (height !== told) reportPaper();
    told = height;
    tell({ height });
  };
  let told = 0;
  // A frame out of sight isn't drawn: no ResizeObserver is called there before it comes into sight.
  const changes = new MutationObserver(reportHeight);
  changes.observe(main, { childList: true, subtree: true, attributeFilter: ["style"] });
  for (const { shadowRoot } of main.children)
    if (shadowRoot) changes.observe(shadowRoot, { childList: true, subtree: true });
  const sizes = new ResizeObserver(() => {
    changes.disconnect();
    reportHeight();
  });
  sizes.observe(document.body);
  addEventListener("message", reportHeight); // Whoever sends one listens from now on.
  for (const gesture of GESTURES) addEventListener(gesture, reportPaper, { capture: true });
}

/** Keys of the page around, where nothing here takes them: a presenter's clicker turns the slide. */
export const HANDED_ON: Readonly<Record<string, number>> = { PageUp: 33, PageDown: 34, Escape: 27 };

/** Has the page around turn its slide, as a presenter's clicker does. */
export const turnAround = (by: 1 | -1): void => {
  if (parent !== window) tell({ key: by > 0 ? "PageDown" : "PageUp" });
};

/** Asks the page around for its keys where it shows this one as a slide, until it is called back. */
export function wantKeys(): () => void {
  if (parent === window) return () => {};
  const ask = () => tell({ wantsKeys: true });
  addEventListener("message", ask); // Whoever sends one listens from now on.
  ask();
  return () => {
    removeEventListener("message", ask);
    tell({ wantsKeys: false });
  };
}

/** Hands keys on to the page around. */
export function handOn(): void {
  if (parent === window) return;
  addEventListener("keydown", (event) => {
    const held = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    if (!event.defaultPrevented && !held && event.key in HANDED_ON) tell({ key: event.key });
  });
}

type Told = { height: number } | { paper: number } | { key: string } | { wantsKeys: boolean };

const tell = (llmscope: Told): void => parent.postMessage({ llmscope }, "*");
