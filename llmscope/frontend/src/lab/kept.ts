/** What was kept of a view, as elements. */

import { type Kept, RUN, tell } from "../host/keeper";
import { follow } from "../host/around";
import { KEPT_TYPE } from "../protocol/shared";
import { lab } from "#words/lab";
import type { MimeModel } from "./jupyterlab";

// A page takes part in nothing of the notebook around it.
const SANDBOX = "allow-scripts allow-downloads";
const HEIGHT = 480; // pixels, until the page has told its height

/** Shows it in `node`; of a notebook that nobody has trusted, nothing that runs. */
export function showKept(node: HTMLElement, { data, trusted }: MimeModel): void {
  const { page } = data[KEPT_TYPE] as Kept;
  const picture = data["image/png"];
  const words = plain(data["text/plain"]);
  const made =
    page && trusted
      ? frameOf(page)
      : typeof picture === "string"
        ? Object.assign(new Image(), { src: `data:image/png;base64,${picture}`, alt: words })
        : Object.assign(document.createElement("div"), { textContent: words });
  node.replaceChildren(lineOf(trusted), made);
}

/** Lines of text may be saved as a list. */
const plain = (text: unknown): string => (Array.isArray(text) ? text.join("") : String(text ?? ""));

function lineOf(trusted: boolean): HTMLElement {
  const line = document.createElement("p");
  line.textContent = `${lab.saved} `;
  if (!trusted) return line;
  const run = Object.assign(document.createElement("button"), {
    type: "button",
    textContent: lab.run,
    title: lab.runTitle,
    onclick: () => tell(run, RUN),
  });
  line.append(run);
  return line;
}

function frameOf(page: string): HTMLIFrameElement {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", SANDBOX);
  frame.allow = "clipboard-write";
  frame.title = "llmscope";
  frame.style.height = `${HEIGHT}px`;
  frame.srcdoc = page;
  frame.onload = () => follow(frame);
  return frame;
}
