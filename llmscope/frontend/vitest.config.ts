import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { toMathML } from "./formulas.mjs";

const TEXT = "-text.js";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [
    {
      // The bundle imports style sheets as text (build.mjs); so do the tests. The other name
      // keeps them from Vitest's own handling, which empties every .css.
      name: "text-css",
      enforce: "pre",
      resolveId: (source, importer) =>
        importer && source.endsWith(".css") ? resolve(dirname(importer), source) + TEXT : null,
      load: (id) =>
        id.endsWith(".css" + TEXT)
          ? `export default ${JSON.stringify(readFileSync(id.slice(0, -TEXT.length), "utf8"))}`
          : null,
    },
    {
      name: "formulas",
      load: (id) =>
        id.endsWith(".tex")
          ? `export default ${JSON.stringify(toMathML(readFileSync(id, "utf8")))}`
          : null,
    },
  ],
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}", "test/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    testTimeout: 60_000, // on a machine that is busy with others
    hookTimeout: 60_000,
  },
});
