/** An output that holds a view: live while its model is, and else what was kept of it. */

import { KEEP, KEEPS, type Kept, RUN, type Shown } from "../host/keeper";
import { KEPT_TYPE } from "../protocol/shared";
import type { Application, Lumino, MimeModel, NotebookPanel, Renderer } from "./jupyterlab";
import { isAlive, runUpTo } from "./kernel";
import { showKept } from "./kept";

export const WIDGET_TYPE = "application/vnd.jupyter.widget-view+json";

/** A maker of such outputs. `settled` says when the notebook knows its renderer of widgets. */
export function rendererOf({ Panel }: Lumino, app: Application) {
  return class ViewOutput extends Panel implements Renderer {
    readonly #kept = document.createElement("div");
    readonly #hasWidgets: Promise<void>;
    readonly #panel: NotebookPanel;
    #model: MimeModel | null = null;
    #live = "";

    constructor(panel: NotebookPanel, hasWidgets: Promise<void>) {
      super();
      this.#panel = panel;
      this.#hasWidgets = hasWidgets;
      this.addClass("llmscope-output");
      this.#kept.className = "llmscope-kept";
      this.node.append(this.#kept);
      this.node.addEventListener(KEEP, (event) => this.#keep((event as CustomEvent<Shown>).detail));
      this.node.addEventListener(RUN, () => void runUpTo(app, panel, this.node));
    }

    async renderModel(model: MimeModel): Promise<void> {
      this.#model = model;
      this.node.toggleAttribute(KEEPS, model.trusted);
      const id = (model.data[WIDGET_TYPE] as { model_id?: string } | undefined)?.model_id ?? "";
      if (this.#live && this.#live === id) return; // Only what is kept is new.
      showKept(this.#kept, model);
      if (!model.trusted || !id) return;
      const lives = await isAlive(this.#panel.sessionContext, id).catch(() => false);
      if (!lives || this.#model !== model) return;
      await this.#hasWidgets;
      await this.#bring(model, id);
    }

    /** Shows the widget in place of what was kept, as soon as it is there. */
    async #bring(model: MimeModel, id: string): Promise<void> {
      const widget = this.#panel.content.rendermime.createRenderer(WIDGET_TYPE);
      widget.addClass("llmscope-waits");
      const observer = new MutationObserver(() => {
        // Until then there are only words on what it waits for.
        if (!widget.node.firstElementChild) return;
        observer.disconnect();
        this.#live = id;
        widget.node.classList.remove("llmscope-waits");
        this.#kept.remove();
      });
      observer.observe(widget.node, { childList: true });
      this.addWidget(widget);
      await widget.renderModel(model);
    }

    #keep({ words, picture, ...kept }: Shown): void {
      const model = this.#model!;
      if (kept.state && kept.state === (model.data[KEPT_TYPE] as Kept).state) return;
      const { "image/png": _, ...others } = model.data; // It was of what was shown before.
      const data = { ...others, "text/plain": words, [KEPT_TYPE]: kept };
      if (!picture) return model.setData({ data });
      const metadata = { ...model.metadata, "image/png": { alt: words } };
      model.setData({ data: { ...data, "image/png": picture }, metadata });
    }
  };
}
