/**
 * What runs around the frame that `view.static()` puts a page of ours into, when the frame has loaded.
 * The page is shut in: it can't look out, so it is told of light and dark, and says how high it is.
 */

import { followTheme } from "./host/theme";

/** Of the attribute `onload`, whose text this file becomes. */
declare const event: Event;

const frame = event.currentTarget as HTMLIFrameElement & { leave?: () => void };

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
