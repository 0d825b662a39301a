import { KEPT_TYPE } from "../protocol/shared";
import type { Application, Lumino, NotebookPanel, NotebookTracker } from "./jupyterlab";
import css from "./lab.css";
import { lab as words } from "#words/lab";
import { rendererOf } from "./renderer";

const RANK = -20; // Before the renderer of widgets, whose rank is -10.

/** The plugin, of what JupyterLab shares: in each notebook, outputs with a view are ours. */
export const pluginOf = (lumino: Lumino, tracker: unknown) => ({
  id: "jupyter-llmscope:plugin",
  description: words.description,
  autoStart: true,
  requires: [tracker],
  activate(app: Application, notebooks: NotebookTracker): void {
    document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
    const ViewOutput = rendererOf(lumino, app);
    const take = (panel: NotebookPanel) => {
      // ipywidgets gives a notebook its renderer as soon as the kernel is known, as we do here.
      const hasWidgets = panel.sessionContext.ready.then(
        () => new Promise<void>((done) => setTimeout(done)),
      );
      panel.content.rendermime.addFactory(
        {
          safe: true, // as long as nobody trusts the notebook it runs nothing
          mimeTypes: [KEPT_TYPE],
          createRenderer: () => new ViewOutput(panel, hasWidgets),
        },
        RANK,
      );
    };
    notebooks.forEach(take);
    notebooks.widgetAdded.connect((_, panel) => take(panel));
  },
});
