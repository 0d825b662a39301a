import { followTheme } from "./theme";

/**
 * Goes around the frame that a page of ours is in, once the frame has loaded. The page is shut in: it
 * can't look out, so it is told of light and dark, and says how high it is.
 */
export function follow(element: HTMLIFrameElement): void {
  const frame = element as HTMLIFrameElement & { leave?: () => void };
  const hear = ({ source, data }: MessageEvent) => {
    if (!frame.isConnected) return frame.leave?.();
    if (source === frame.contentWindow && data?.llmscope)
      frame.style.height = `${data.llmscope.height}px`;
  };

  frame.leave?.(); // A frame that is moved within its document loads again.
  window.addEventListener("message", hear); // A bare name would be the frame's own, in an attribute.
  const unfollow = followTheme(frame, (theme) => {
    if (!frame.isConnected) frame.leave?.();
    else frame.contentWindow!.postMessage({ llmscope: { theme } }, "*");
  });
  frame.leave = () => {
    unfollow();
    window.removeEventListener("message", hear);
  };
}
