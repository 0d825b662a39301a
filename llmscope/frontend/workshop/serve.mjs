// The workshop for panels: workshop/main.ts over the pages in workshop/fixtures.
//   node workshop/serve.mjs                 serves it on this machine alone, reloads on every change
//   node workshop/serve.mjs --build FOLDER  builds it once into a folder, for the component tests
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { options } from "../bundle.mjs";
import { fromCatalogue } from "../words.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const [flag, folder] = process.argv.slice(2);
const building = flag === "--build";
const pages = (await readdir(join(here, "fixtures"))).filter((name) => name.endsWith(".page"));
const fixtures = pages.map((name) => name.replace(/\.page$/, "")).sort();

const all = {
  ...options,
  absWorkingDir: dirname(here),
  entryPoints: ["workshop/words.ts", "workshop/main.ts"],
  plugins: [fromCatalogue, ...options.plugins],
  outdir: join(building ? folder : here, "built"),
  format: "iife",
  minify: false,
  sourcemap: building ? false : "inline",
  define: {
    "process.env.NODE_ENV": '"development"',
    RELOADS: String(!building),
    FIXTURES: JSON.stringify(fixtures),
  },
};

if (building) {
  await esbuild.build(all);
} else {
  const context = await esbuild.context(all);
  await context.watch();
  const { port } = await context.serve({ servedir: here, host: "127.0.0.1" });
  console.log(`http://127.0.0.1:${port}/`);
}
