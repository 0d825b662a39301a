import { HANDED_ON, PAPER } from "./frame";
import { followSlides } from "./slides";
import { followTheme } from "./theme";

interface Told {
  height?: number;
  paper?: number;
  key?: string;
  wantsKeys?: boolean;
}

/**
 * Goes around the frame that a page of ours is in, once the frame has loaded. The page is shut in: it
 * can't look out, so it is told of light and dark, and says how high it is, on a screen and on paper:
 * there it makes itself as wide as its frame, so that its height follows its width.
 */
export function follow(element: HTMLIFrameElement): void {
  const frame = element as HTMLIFrameElement & { leave?: () => void };
  const hear = ({ source, data }: MessageEvent) => {
    if (!frame.isConnected) return frame.leave?.();
    if (source !== frame.contentWindow || !data?.llmscope) return;
    const told: Told = data.llmscope;
    if (told.height) frame.style.height = height = `${told.height}px`;
    if (told.paper) paper = told.paper;
    if (told.wantsKeys !== undefined) wantsKeys(told.wantsKeys);
    const keyCode = HANDED_ON[told.key!];
    // Slides still go by the number of a key.
    if (keyCode)
      frame.dispatchEvent(
        new KeyboardEvent("keydown", { key: told.key!, keyCode, bubbles: true, cancelable: true }),
      );
  };
  let paper = 0;
  let height = frame.style.height;
  const print = ({ type }: Event) => {
    if (!frame.isConnected) return frame.leave?.();
    const isPrinted = type === "beforeprint" && paper > 0;
    frame.style.height = isPrinted ? "auto" : height;
    frame.style.aspectRatio = isPrinted ? `${PAPER} / ${paper}` : "";
    frame.style.breakInside = "avoid";
  };

  frame.leave?.(); // A frame that is moved within its document loads again.
  for (const moment of ["beforeprint", "afterprint"]) window.addEventListener(moment, print);
  window.addEventListener("message", hear); // A bare name would be the frame's own, in an attribute.
  const { wantsKeys, unfollowSlides } = followSlides(frame);
  const unfollow = followTheme(frame, (theme) => {
    if (!frame.isConnected) frame.leave?.();
    else frame.contentWindow!.postMessage({ llmscope: { theme } }, "*");
  });
  frame.leave = () => {
    unfollow();
    unfollowSlides();
    window.removeEventListener("message", hear);
    for (const moment of ["beforeprint", "afterprint"]) window.removeEventListener(moment, print);
  };
}
