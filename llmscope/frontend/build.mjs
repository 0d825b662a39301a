// Builds src/widget.ts into ../static/llmscope.js, the one module that anywidget loads.
//   node build.mjs          once; fails when the bundle is over its budget
//   node build.mjs --watch  again on every change (with ANYWIDGET_HMR=1 notebooks follow)
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { toMathML } from "./formulas.mjs";

const BUDGET = { minified: 200_000, gzip: 70_000 };
const here = dirname(fileURLToPath(import.meta.url));
const output = join(here, "..", "static", "llmscope.js");
const watching = process.argv.includes("--watch");

/** `import css from "./x.css"` gives the minified text: CSS has to reach shadow roots too. */
const textCss = {
  name: "text-css",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const { code, warnings } = await esbuild.transform(source, {
        loader: "css",
        minify: true,
        target: "es2022",
        sourcefile: path,
      });
      return { contents: code.trim(), loader: "text", warnings, watchFiles: [path] };
    });
  },
};

/** `import formulas from "./x.tex"` gives MathML by name, so that no page needs a TeX reader. */
const formulas = {
  name: "formulas",
  setup(build) {
    build.onLoad({ filter: /\.tex$/ }, async ({ path }) => ({
      contents: JSON.stringify(toMathML(await readFile(path, "utf8"))),
      loader: "json",
      watchFiles: [path],
    }));
  },
};

/** Writes the bundle only when it is within the budget, so that one over it is never shipped. */
const withinBudget = {
  name: "within-budget",
  setup(build) {
    build.onEnd(async ({ errors, outputFiles }) => {
      if (errors.length > 0) return {};
      const code = outputFiles[0].contents;
      const sizes = { minified: code.length, gzip: gzipSync(code, { level: 9 }).length };
      const parts = Object.entries(sizes).map(
        ([name, size]) => `${(size / 1000).toFixed(1)} of ${BUDGET[name] / 1000} KB ${name}`,
      );
      const summary = `static/llmscope.js: ${parts.join(", ")}`;
      if (Object.entries(sizes).some(([name, size]) => size > BUDGET[name])) {
        return { errors: [{ text: `over the budget, not written: ${summary}` }] };
      }
      await mkdir(dirname(output), { recursive: true });
      await writeFile(output, code);
      console.log(summary);
      return {};
    });
  },
};

const options = {
  absWorkingDir: here,
  entryPoints: ["src/widget.ts"],
  outfile: output,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
  define: { "process.env.NODE_ENV": '"production"' },
  // What d3-zoom and d3-scale bring along and nothing here needs.
  alias: {
    "d3-transition": "./src/draw/no-transition.ts",
    "d3-color": "./src/draw/no-color.ts",
  },
  plugins: [textCss, formulas, withinBudget],
  logLevel: watching ? "info" : "warning",
  write: false,
};

if (watching) {
  await (await esbuild.context(options)).watch();
} else {
  await esbuild.build(options).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
}
