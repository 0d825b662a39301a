// Builds two files of the same front end: src/widget.ts into ../static/llmscope.js, the module that
// anywidget loads, and src/page.ts into ../static/page.js, the script of an exported page. And
// src/bertviz/bertviz.ts into ../static/bertviz.js: what bertviz's own scripts need; and src/around.ts into
// ../static/around.js: what runs around a page in a frame. Beside them stand the licences of all that is in
// them.
//   node build.mjs          once; fails, and writes none, when one of them is over the budget
//   node build.mjs --watch  again on every change (with ANYWIDGET_HMR=1 notebooks follow)
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { options } from "./bundle.mjs";

// Of each bundle. A panel that is added raises it by what it measures, at most by 25 KB minified, in
// the commit that says so.
const BUDGET = { minified: 260_000, gzip: 92_000 };
// The same bytes are packed to 84.6 or 85.0 KB by the zlib of another processor or version.
const SPREAD = { minified: 1, gzip: 1.005 };
const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, "..", "static");
const watching = process.argv.includes("--watch");

/** Regular expressions, the only place where esbuild leaves other letters, in ASCII. */
const ascii = (code) =>
  code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Packages that are in a bundle. */
const packages = new Set();

/** Bundles that are built and not written yet. */
const ready = [];

const write = async () => {
  await mkdir(folder, { recursive: true });
  for (const { output, code, summary } of ready.splice(0)) {
    await writeFile(output, code);
    console.log(summary);
  }
};

/** Refuses a bundle over the budget, so that none is ever shipped. */
const withinBudget = {
  name: "within-budget",
  setup(build) {
    const { charset } = build.initialOptions;
    build.onEnd(async ({ errors, metafile, outputFiles }) => {
      if (errors.length > 0) return {};
      for (const { inputs } of Object.values(metafile.outputs)) {
        for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
          const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
          if (name && bytesInOutput > 0) packages.add(name);
        }
      }
      const { text } = outputFiles[0];
      const code = Buffer.from(charset === "ascii" ? ascii(text) : text);
      const sizes = { minified: code.length, gzip: gzipSync(code, { level: 9 }).length };
      const output = outputFiles[0].path;
      const parts = Object.entries(sizes).map(
        ([name, size]) => `${(size / 1000).toFixed(1)} of ${BUDGET[name] / 1000} KB ${name}`,
      );
      const summary = `static/${basename(output)}: ${parts.join(", ")}`;
      const over = Object.entries(sizes)
        .filter(([name, size]) => size > BUDGET[name] * SPREAD[name])
        .map(([name, size]) => `${size - BUDGET[name]} bytes (${name})`);
      if (over.length > 0) {
        const excess = `over the budget by ${over.join(" and ")}; see BUDGET in build.mjs`;
        return { errors: [{ text: `${excess}. Nothing is written. ${summary}` }] };
      }
      // A page carries its script within a script element.
      if (/<\/script|<!--/i.test(text)) {
        return { errors: [{ text: `${basename(output)} would end the element that holds it` }] };
      }
      ready.push({ output, code, summary });
      if (watching) await write();
      return {};
    });
  },
};

const all = {
  ...options,
  plugins: [...options.plugins, withinBudget],
  logLevel: watching ? "info" : "warning",
  metafile: true,
  write: false,
};

const builds = [
  { entry: "src/widget.ts", outfile: "llmscope.js", format: "esm", charset: "utf8" },
  // Of ASCII alone: whatever page it is put into, no letter is misread.
  { entry: "src/page.ts", outfile: "page.js", format: "iife", charset: "ascii" },
  { entry: "src/bertviz/bertviz.ts", outfile: "bertviz.js", format: "iife", charset: "ascii" },
  { entry: "src/around.ts", outfile: "around.js", format: "iife", charset: "ascii" },
];

for (const { entry, outfile, format, charset } of builds) {
  const bundle = {
    ...all,
    entryPoints: [entry],
    outfile: join(folder, outfile),
    format,
    charset,
    define: { "process.env.NODE_ENV": '"production"' },
  };
  if (watching) {
    await (await esbuild.context(bundle)).watch();
  } else {
    await esbuild.build(bundle).catch((error) => {
      console.error(error.message);
      process.exit(1);
    });
  }
}

if (!watching) {
  await write();
  const texts = [...packages].sort().map(async (name) => {
    const place = join(here, "node_modules", name);
    const file = (await readdir(place)).find((file) => /^licen[cs]e/i.test(file));
    return `${name}\n\n${(await readFile(join(place, file), "utf8")).trim()}\n`;
  });
  await writeFile(join(folder, "LICENSES.txt"), (await Promise.all(texts)).join("\n\n"));
}
