/** An exported page: its views, over what is stored in it. */

import { effect } from "@preact/signals";
import { mount } from "./app/app";
import { hearTheme } from "./host/frame";
import { fitIn } from "./host/page";
import { readPage } from "./sources/page/content";
import type { Panel } from "./panels/props";
import { PageSource } from "./sources/page/page";
import { withSteps } from "./sources/steps";
import { join } from "./store/joins";
import { Store } from "./store/store";
import { PlainTraits } from "./store/traits";
import { fitHeight } from "./ui/fit";
import { heightOnPaper, onPaper } from "./ui/paper";
import { problems } from "#words/problems";
import { fill } from "./words/fill";

/** What the style of a page's foot knows it by. */
const PAPER_SAYS = "data-llmscope-paper";

/** Shows the page with these panels: the script that Python puts together ends with it. */
export function open(panels: readonly Panel[]): void {
  hearTheme();
  show(panels).catch((error: unknown) => {
    document.querySelector("main")!.textContent = fill(problems.cantShow, {
      error: String(error),
    });
  });
}

async function show(panels: readonly Panel[]): Promise<void> {
  const main = document.querySelector("main")!;
  const page = await readPage(document.getElementById("page-data")!.textContent!);
  const sources = page.sources.map((content) => new PageSource(content));
  const traits = page.views.map((view) => new PlainTraits(view.traits));
  for (const [one, other, names] of page.links) join(traits[one]!, traits[other]!, names);
  main.replaceChildren();
  page.views.forEach(({ source }, index) => {
    const element = main.appendChild(document.createElement("div"));
    const own = traits[index]!;
    mount(element, new Store(withSteps(sources[source]!, own.get("_panels")), own), panels);
  });
  effect(() => void document.documentElement.toggleAttribute(PAPER_SAYS, onPaper.value));
  const height = Number(main.dataset.height ?? Infinity);
  if (height < Infinity) fitHeight(document.body, height);
  fitIn(main, { most: height, onPaper: () => heightOnPaper(document.body) });
}
