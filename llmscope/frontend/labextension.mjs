// Where JupyterLab finds the prebuilt extension: a folder with what it loads, and what it tells of it.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const NAME = "jupyter-llmscope";
const folder = join(here, "..", "labextensions", NAME);

/** Writes the extension, whose script is `code`; its name changes with it, so that no cache is stale. */
export async function writeExtension(code) {
  const { version, license } = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
  const hash = createHash("sha256").update(code).digest("hex").slice(0, 12);
  const load = `static/remoteEntry.${hash}.js`;
  const described = {
    name: NAME,
    version,
    description: "Shows the views of llmscope in a notebook whose kernel is no more.",
    license,
    jupyterlab: { extension: true, _build: { load, extension: "./extension" } },
  };
  const installed = {
    packageManager: "python",
    packageName: NAME,
    uninstallInstructions: `pip uninstall ${NAME}`,
  };
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "static"), { recursive: true });
  await writeFile(join(folder, load), code);
  await writeFile(join(folder, "package.json"), JSON.stringify(described, null, 2));
  await writeFile(join(folder, "install.json"), JSON.stringify(installed, null, 2));
}
