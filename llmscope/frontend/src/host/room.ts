const NOTEBOOK = ".jp-WindowedPanel-outer, .jp-NotebookPanel-notebook";
const FOOT = 90;
const AROUND = 0.5; // of a screen, beyond which a page shows more than one view
const SCREEN = 16 / 10; // of a frame, whose own height follows what is in it

interface Room {
  width: number;
  height: number;
}

/** Whether `el` is what its page is there for: in a notebook, whose cell was run, or with little else. */
export const isMain = (el: HTMLElement): boolean =>
  parent === window &&
  (isInNotebook(el) ||
    document.documentElement.scrollHeight - el.offsetHeight <= AROUND * innerHeight);

export const isInNotebook = (el: HTMLElement): boolean => el.closest(NOTEBOOK) !== null;

/** Acts once `el` stands in its page: a view may be drawn before it is put there. */
export function whenPlaced(el: HTMLElement, act: () => void): () => void {
  if (el.offsetHeight > 0) {
    act();
    return () => {};
  }
  const sizes = new ResizeObserver(() => {
    if (el.offsetHeight === 0) return;
    sizes.disconnect();
    act();
  });
  sizes.observe(el);
  return () => sizes.disconnect();
}

/** Calls back with how much of `el` can be in sight at once, in pixels, now and whenever it changes. */
export function followRoom(el: HTMLElement, found: (room: Room) => void): () => void {
  let notebook: HTMLElement | null = null;
  const look = () => {
    if (!notebook) {
      notebook = el.closest<HTMLElement>(NOTEBOOK); // A view may be read before it is put there.
      if (notebook) observer.observe(notebook);
    }
    found({ width: el.clientWidth, height: Math.floor(heightAround(el, notebook)) });
  };
  // A frame later: what follows changes the size of what is observed.
  const observer = new ResizeObserver(() => requestAnimationFrame(look));
  observer.observe(document.documentElement);
  observer.observe(el);
  addEventListener("resize", look);
  document.addEventListener("fullscreenchange", look);
  look();
  return () => {
    observer.disconnect();
    removeEventListener("resize", look);
    document.removeEventListener("fullscreenchange", look);
  };
}

function heightAround(el: HTMLElement, notebook: HTMLElement | null): number {
  if (isFullScreen(el)) return innerHeight;
  if (notebook) return notebook.clientHeight;
  if (parent === window) return innerHeight;
  // Of a page that is given a height, its foot aside.
  const most = document.querySelector<HTMLElement>("main[data-height]");
  const room = most ? Number(most.dataset.height) - FOOT : Infinity;
  return Math.min(room, document.documentElement.clientWidth / SCREEN);
}

export const isFullScreen = (el: HTMLElement): boolean => document.fullscreenElement === el;

/** Fills the screen with `el`, or no longer. */
export function toggleFullScreen(el: HTMLElement): void {
  void (isFullScreen(el) ? document.exitFullscreen() : el.requestFullscreen());
}
