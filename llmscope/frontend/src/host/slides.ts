/** Slides of reveal.js, which a frame with a page of ours may be on. */

const TURNED = ["ready", "slidechanged"]; // what reveal.js dispatches
const SLIDE = ".reveal .slides > section";
const FRAMES = 30; // until a slide that is turned to can be seen, and take the focus

/** Gives a frame the keys as long as its slide is on, and the page within wants them. */
export function followSlides(frame: HTMLIFrameElement) {
  const { ownerDocument: document } = frame;
  let isWanted = false;
  const give = (left = FRAMES): void => {
    const isOn = frame.closest(SLIDE) && !frame.closest("section:not(.present)");
    const at = document.activeElement;
    if (!isOn) return void (at === frame && frame.blur());
    if (at === frame || !left || (at && frame.closest("section")!.contains(at))) return;
    frame.focus({ preventScroll: true });
    requestAnimationFrame(() => give(left - 1));
  };
  const turn = () => isWanted && give();
  for (const event of TURNED) document.addEventListener(event, turn);
  return {
    wantsKeys: (wants: boolean): void => {
      if (wants && !isWanted) give();
      isWanted = wants;
    },
    unfollowSlides: () => {
      for (const event of TURNED) document.removeEventListener(event, turn);
    },
  };
}
