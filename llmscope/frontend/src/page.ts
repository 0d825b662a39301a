/** An exported page: its views, over what is stored in it. */

import { effect } from "@preact/signals";
import { mount } from "./app/app";
import type { LessonPart } from "./app/lesson/part";
import { addressHere } from "./host/address";
import { px } from "./draw/canvas";
import { fitIn } from "./host/page";
import { startInTurn } from "./host/sight";
import { PageAddress } from "./page-address";
import { readPage } from "./sources/page/content";
import type { Panel } from "./panels/props";
import { PageSource } from "./sources/page/page";
import { withSteps } from "./sources/steps";
import { join } from "./store/joins";
import { Store } from "./store/store";
import { PlainTraits } from "./store/traits";
import { copied } from "./ui/actions";
import { fitHeight } from "./ui/fit";
import { heightOnPaper, onPaper } from "./ui/paper";
import { problems } from "#words/problems";
import { header } from "#words/header";
import { fill } from "./words/fill";

/** What the style of a page's foot knows it by. */
const PAPER_SAYS = "data-llmscope-paper";

const MOMENT = 1500; // ms

/** Shows the page with these panels: the script that Python puts together ends with it. */
export function open(panels: readonly Panel[], lesson?: LessonPart): void {
  show(panels, lesson).catch((error: unknown) => {
    document.querySelector("main")!.textContent = fill(problems.cantShow, {
      error: String(error),
    });
  });
}

async function show(panels: readonly Panel[], lesson?: LessonPart): Promise<void> {
  const main = document.querySelector("main")!;
  const page = await readPage(document.getElementById("page-data")!.textContent!);
  const sources = page.sources.map((content) => new PageSource(content));
  const traits = page.views.map((view) => new PlainTraits(view.traits));
  for (const [one, other, names] of page.links) join(traits[one]!, traits[other]!, names);
  const address = new PageAddress(page, traits);
  main.replaceChildren();
  const starts = new Map<Element, () => void>();
  page.views.forEach(({ source, heading, height }, index) => {
    if (heading) main.appendChild(document.createElement("h2")).textContent = heading;
    const element = main.appendChild(document.createElement("div"));
    // What is to come in it is seen by whoever follows the height of the page.
    element.attachShadow({ mode: "open" });
    element.style.minHeight = px(height);
    const own = traits[index]!;
    starts.set(element, () => {
      const store = new Store(withSteps(sources[source]!, own.get("_panels")), own);
      mount(element, store, panels, undefined, undefined, lesson);
      address.shown(index, store);
      // Empty, it would let those below into sight. Out of sight nothing is painted, so it never settles.
      const fit = () => void (element.style.minHeight = "");
      effect(() => void (store.settled.value && fit()));
      setTimeout(fit, MOMENT);
    });
  });
  startInTurn(starts);
  if (page.views.every(({ traits }) => !(traits._panels as string[]).includes("header")))
    copyBelow(document.querySelector("footer")!);
  effect(() => void document.documentElement.toggleAttribute(PAPER_SAYS, onPaper.value));
  const height = Number(main.dataset.height ?? Infinity);
  if (height < Infinity) fitHeight(document.body, height);
  fitIn(main, { most: height, onPaper: () => heightOnPaper(document.body) });
}

/** Where no view has a menu: a button below all that copies the address. */
function copyBelow(foot: HTMLElement): void {
  const here = addressHere.value;
  if (!here) return;
  const button = foot.appendChild(document.createElement("button"));
  button.type = "button";
  const say = (text: string) => void (button.textContent = text);
  button.onclick = async () => {
    say(await copied(here()));
    setTimeout(say, MOMENT, header.copyAddress);
  };
  say(header.copyAddress);
}
