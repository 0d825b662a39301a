/** An exported page: its views, over what is stored in it. */

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
import { problems } from "#words/problems";
import { fill } from "./words/fill";

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
  fitIn(main);
}
