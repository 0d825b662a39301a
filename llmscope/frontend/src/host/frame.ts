/** The frame that a page of ours may be in. */

/** The frame that `view.static()` put this page into, where the page around it lets us see it. */
export function frame(): HTMLElement | null {
  const around = window.frameElement as HTMLElement | null;
  return around?.dataset.llmscope === undefined ? null : around;
}

/** Keeps the frame, or whatever holds it, as high as the page. */
export function followHeight(): void {
  new ResizeObserver(reportHeight).observe(document.body);
  addEventListener("message", reportHeight); // Whoever sends one listens from now on.
}

/** Sets the height of a frame of ours; other frames get a message. */
function reportHeight(): void {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  const around = frame();
  if (around) around.style.height = `${height}px`;
  else if (parent !== window) parent.postMessage({ llmscope: { height } }, "*");
}
