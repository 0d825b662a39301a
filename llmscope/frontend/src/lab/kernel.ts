/** Whether a widget's model is alive, and how the cells up to a view are run. */

import type { Application, Kernel, NotebookPanel, Session } from "./jupyterlab";

/** By kernel, the widgets that it had when the first output asked; it tells of later ones itself. */
const known = new WeakMap<Kernel, Promise<Record<string, unknown>>>();

/** Whether the kernel has a widget's model. */
export async function isAlive(context: Session, model: string): Promise<boolean> {
  await context.ready;
  const kernel = context.session?.kernel;
  if (!kernel) return false;
  if (kernel.hasComm(model)) return true;
  if (!known.has(kernel)) known.set(kernel, commsOf(kernel));
  return model in (await known.get(kernel)!);
}

async function commsOf(kernel: Kernel): Promise<Record<string, unknown>> {
  const { content } = await kernel.requestCommInfo({ target_name: "jupyter.widget" });
  return content.comms ?? {};
}

/** Runs the cells above an output, and its own. */
export async function runUpTo(app: Application, panel: NotebookPanel, output: Node): Promise<void> {
  const notebook = panel.content;
  const at = notebook.widgets.findIndex((cell) => cell.node.contains(output));
  if (at < 0) return;
  notebook.deselectAll();
  notebook.activeCellIndex = at;
  if (at > 0 && !(await app.commands.execute("notebook:run-all-above"))) return;
  notebook.activeCellIndex = at;
  await app.commands.execute("notebook:run-cell");
}
