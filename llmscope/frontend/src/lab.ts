/**
 * The extension of JupyterLab and Notebook 7, prebuilt: JupyterLab loads this file as a container of
 * webpack's module federation, gives it the packages that all extensions share (`init`), and asks for
 * the plugin (`get`).
 */

import type { Lumino } from "./lab/jupyterlab";
import { pluginOf } from "./lab/plugin";

/** By package and version, how it is loaded. */
type Shared = Record<string, Record<string, { loaded?: unknown; get(): Promise<() => unknown> }>>;

let shared: Shared = {};

const container = {
  init(scope: Shared): void {
    shared = scope;
  },
  async get(name: string): Promise<() => unknown> {
    if (name !== "./extension") throw new Error(`jupyter-llmscope has no ${name}.`);
    const [lumino, notebook] = await Promise.all([
      take<Lumino>("@lumino/widgets"),
      take<{ INotebookTracker: unknown }>("@jupyterlab/notebook"),
    ]);
    const plugin = pluginOf(lumino, notebook.INotebookTracker);
    return () => ({ __esModule: true, default: plugin });
  },
};

/** The one version of a package that all extensions use: the loaded one, or else the newest. */
async function take<T>(name: string): Promise<T> {
  const versions = Object.entries(shared[name] ?? {}).sort(([one], [other]) =>
    other.localeCompare(one, undefined, { numeric: true }),
  );
  const found = versions.find(([, { loaded }]) => loaded) ?? versions[0];
  if (!found) throw new Error(`JupyterLab shares no ${name}.`);
  return (await found[1].get())() as T;
}

const host = globalThis as { _JUPYTERLAB?: Record<string, unknown> };
(host._JUPYTERLAB ??= {})["jupyter-llmscope"] = container;
