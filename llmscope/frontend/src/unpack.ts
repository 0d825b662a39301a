/** What an exported page begins with: its program, which is packed, is put into it. */

import { hearTheme } from "./host/frame";

hearTheme(); // The page around may tell before there is anything else.
void unpack();

/** Runs what `page-program` holds: the page's policy allows that one script. */
async function unpack(): Promise<void> {
  const packed = atob(document.getElementById("page-program")!.textContent!);
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.body.append(script);
}
