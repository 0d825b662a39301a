/** An exported page: its views, over what is stored in it. */

import { mount } from "./app";
import { BakedSource } from "./source/baked/baked";
import { readPage } from "./source/baked/content";
import { Store } from "./store/store";
import { PlainTraits, join } from "./store/traits";
import { followTheme, frame } from "./theme";

async function open(): Promise<void> {
  const main = document.querySelector("main")!;
  const page = await readPage(document.getElementById("baked")!.textContent!);
  const sources = page.sources.map((content) => new BakedSource(content));
  const traits = page.views.map((view) => new PlainTraits(view.traits));
  for (const [one, other, names] of page.links) join(traits[one]!, traits[other]!, names);
  main.replaceChildren();
  page.views.forEach(({ source }, index) => {
    const element = main.appendChild(document.createElement("div"));
    mount(element, new Store(sources[source]!, traits[index]!));
  });
  const { style } = document.documentElement;
  followTheme(main, (theme) => {
    if (style.colorScheme !== theme) style.colorScheme = theme;
  });
  new ResizeObserver(tellHeight).observe(document.body);
  addEventListener("message", tellHeight); // Whoever sends one listens from now on.
}

/** A frame of ours grows with the page; others are told, and may. */
function tellHeight(): void {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  const around = frame();
  if (around) around.style.height = `${height}px`;
  else if (parent !== window) parent.postMessage({ llmscope: { height } }, "*");
}

open().catch((error: unknown) => {
  document.querySelector("main")!.textContent = `This page can't be shown here: ${error}`;
});
