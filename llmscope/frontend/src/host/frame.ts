/** The frame that a page of ours may be in. */

/** Does as the page around says, from now on: `{llmscope: {theme: "dark"}}` makes this one dark. */
export function hearTheme(): void {
  addEventListener("message", ({ source, data }) => {
    const theme: unknown = data?.llmscope?.theme;
    if (source === parent && (theme === "light" || theme === "dark"))
      document.documentElement.dataset.theme = theme;
  });
}

/** Tells the page around how high this one is, now and whenever `main` changes that. */
export function followHeight(main: HTMLElement): void {
  if (parent === window) return;
  // A frame out of sight isn't drawn: no ResizeObserver is called there before it comes into sight.
  const changes = new MutationObserver(reportHeight);
  for (const root of [main, ...Array.from(main.children, (child) => child.shadowRoot ?? child)])
    changes.observe(root, { childList: true, subtree: true });
  const sizes = new ResizeObserver(() => {
    changes.disconnect();
    reportHeight();
  });
  sizes.observe(document.body);
  addEventListener("message", reportHeight); // Whoever sends one listens from now on.
}

function reportHeight(): void {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  parent.postMessage({ llmscope: { height } }, "*");
}
