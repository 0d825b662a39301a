// How every bundle of the front end is made: build.mjs ships them, workshop/serve.mjs is for development.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { toMathML } from "./formulas.mjs";

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

const here = dirname(fileURLToPath(import.meta.url));

/** d3-zoom without animations, which nothing here asks for: with what they need they'd be a tenth of a bundle. */
const still = {
  name: "still",
  setup(build) {
    const path = join(here, "still.mjs");
    build.onResolve({ filter: /^d3-(transition|interpolate)$/ }, () => ({ path }));
  },
};

export const options = {
  absWorkingDir: here,
  bundle: true,
  target: "es2022",
  minify: true,
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
  plugins: [textCss, formulas, still],
};
