// How the script of exported pages is built: in parts, one for each panel, one for lessons, and one for what several of
// them share, out of which `llmscope.export.program` puts together those that a page shows.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { options } from "./bundle.mjs";

const inSource = (path) => (path === "lesson:" ? "app/lesson" : path.replace("panel:", "panels/"));

/** A panel, or what shows lessons, beside all that any page has, so that this is one part. */
const panelEntries = {
  name: "panel-entries",
  setup(build) {
    build.onResolve({ filter: /^(panel|lesson):/ }, ({ path }) => ({ path, namespace: "panel" }));
    build.onLoad({ filter: /.*/, namespace: "panel" }, ({ path }) => ({
      contents: `import "./src/page"; export * from "./src/${inSource(path)}";`,
      resolveDir: options.absWorkingDir,
    }));
  },
};

/** Options of esbuild for all parts. */
export async function partsOptions() {
  const entries = await readdir(join(options.absWorkingDir, "src/panels"), { withFileTypes: true });
  const panels = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return {
    ...options,
    entryPoints: {
      page: "src/page.ts",
      lesson: "lesson:",
      ...Object.fromEntries(panels.map((name) => [name, `panel:${name}`])),
    },
    plugins: [panelEntries, ...options.plugins],
    splitting: true,
    format: "esm",
    outdir: "parts",
    chunkNames: "[hash]",
  };
}

const IMPORT = /^import(?:\{([^}]*)\}from)?"\.\/([\w-]+)\.js";/;
const EXPORT = /export\{([^}]*)\};?\s*$/;

/** `a as b,c` as pairs of names. */
const pairs = (names = "") =>
  names
    .split(",")
    .filter(Boolean)
    .map((one) => [one.split(" as ")[0], one.split(" as ").at(-1)]);

/** The text of a part as that of a function, which takes what it imports from `__parts`. */
export function asFunction(text) {
  const needs = [];
  let [code, head] = [text.trim(), ""];
  for (let found; (found = IMPORT.exec(code)); code = code.slice(found[0].length)) {
    const names = pairs(found[1]).map(([theirs, own]) => `${theirs}:${own}`);
    if (names.length > 0) head += `const{${names}}=__parts["${found[2]}"];`;
    needs.push(found[2]);
  }
  const names = pairs(EXPORT.exec(code)?.[1]).map(([own, theirs]) => `${theirs}:${own}`);
  code = `${head}${code.replace(EXPORT, "")}return{${names}}`;
  if (/^\s*import\b|[;}]export\{/.test(code)) throw new Error("a part that can't be a function");
  return { needs, code };
}
