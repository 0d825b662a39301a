// Builds the front end into ../static: src/widget.ts into llmscope.js, the module that anywidget loads;
// src/page.ts and the panels into parts.json, the parts of an exported page's script, and the words of all
// languages into words.json; src/bertviz/bertviz.ts into bertviz.js, what bertviz's own scripts need;
// src/around.ts into around.js, what runs around a page in a frame; src/unpack.ts into unpack.js, what a page
// begins with. Beside them stand the licences of all that is in them. src/lab.ts becomes the prebuilt
// extension of JupyterLab, in ../labextensions.
//   node build.mjs          once; fails, and writes none, when one of them is over the budget
//   node build.mjs --watch  again on every change (with ANYWIDGET_HMR=1 notebooks follow)
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { options } from "./bundle.mjs";
import { writeExtension } from "./labextension.mjs";
import { licences } from "./licences.mjs";
import { asFunction, partsOptions } from "./pages.mjs";
import { catalogues, fromCatalogue, fromPage, programs } from "./words.mjs";

// Of each bundle. A panel that is added raises it by what it measures, at most by 25 KB minified, in
// the commit that says so. Chinese takes 48 KB of it, 15 packed; lessons take 20.
const BUDGET = { minified: 626_300, gzip: 217_500 };
// All parts together, which no view shows, pack less well than one bundle. Words aren't in them.
const PARTS = { minified: 526_300, gzip: 184_200 };
// The same bytes are packed to 84.6 or 85.0 KB by the zlib of another processor or version.
const SPREAD = { minified: 1, gzip: 1.005 };
const LAB = "lab.js";
const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, "..", "static");
const watching = process.argv.includes("--watch");

/** Regular expressions, the only place where esbuild leaves other letters, in ASCII. */
const ascii = (code) =>
  code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** By the name of a file, the packages that are in it. */
const packages = {};

/** Files that are built and not written yet. */
const ready = [];

const write = async () => {
  await mkdir(folder, { recursive: true });
  for (const { output, code, summary } of ready.splice(0)) {
    if (output === LAB) await writeExtension(code);
    else await writeFile(join(folder, output), code);
    console.log(summary);
  }
};

/** Inputs of programs that are in another bundle. */
let within = {};
const fromPrograms = programs(({ outputs }) => {
  within = Object.values(outputs)[0].inputs;
});

/** Packages that an output is made of. */
const packagesIn = ({ inputs }) =>
  [
    ...new Set(
      Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => {
        const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
        return name && bytesInOutput > 0 ? [name] : [];
      }),
    ),
  ].sort();

/** Keeps a file for writing; over the budget, or not to be put into a page, it is refused. */
function keep(output, code, budget = BUDGET, written = code) {
  const sizes = { minified: Buffer.byteLength(code), gzip: gzipSync(code, { level: 9 }).length };
  const said = Object.entries(sizes).map(
    ([name, size]) => `${(size / 1000).toFixed(1)} of ${budget[name] / 1000} KB ${name}`,
  );
  const summary = `static/${output}: ${said.join(", ")}`;
  const over = Object.entries(sizes)
    .filter(([name, size]) => size > budget[name] * SPREAD[name])
    .map(([name, size]) => `${size - budget[name]} bytes (${name})`);
  if (over.length > 0) {
    const excess = `over the budget by ${over.join(" and ")}; see BUDGET in build.mjs`;
    return { errors: [{ text: `${excess}. Nothing is written. ${summary}` }] };
  }
  // A page carries its script within a script element.
  if (/<\/script|<!--/i.test(code))
    return { errors: [{ text: `${output} would end the element that holds it` }] };
  ready.push({ output, code: written, summary });
  return {};
}

/** A bundle of one file. */
const bundle = {
  name: "bundle",
  setup(build) {
    const { charset } = build.initialOptions;
    build.onEnd(async ({ errors, metafile, outputFiles }) => {
      if (errors.length > 0) return {};
      const output = basename(outputFiles[0].path);
      const { inputs } = Object.values(metafile.outputs)[0];
      const hasProgram = Object.keys(inputs).some((name) => name.startsWith("program:"));
      packages[output] = packagesIn({ inputs: { ...inputs, ...(hasProgram && within) } });
      const { text } = outputFiles[0];
      const kept = keep(output, charset === "ascii" ? ascii(text) : text);
      if (watching) await write();
      return kept;
    });
  },
};

/** The parts of a page, by name, each with the names of those that it needs. */
const parts = {
  name: "parts",
  setup(build) {
    build.onEnd(async ({ errors, metafile, outputFiles }) => {
      if (errors.length > 0) return {};
      const found = outputFiles.map(({ path, text }) => {
        const file = basename(path);
        const output = Object.entries(metafile.outputs).find(([name]) => basename(name) === file);
        const { needs, code } = asFunction(ascii(text));
        return [file.replace(/\.js$/, ""), { needs, code, packages: packagesIn(output[1]) }];
      });
      packages["parts.json"] = [...new Set(found.flatMap(([, part]) => part.packages))];
      const code = found.map(([, part]) => part.code).join("\n");
      const kept = keep("parts.json", code, PARTS, JSON.stringify(Object.fromEntries(found)));
      if (watching) await write();
      return kept;
    });
  },
};

const all = {
  logLevel: watching ? "info" : "warning",
  metafile: true,
  write: false,
  define: { "process.env.NODE_ENV": '"production"' },
};

const bundles = [
  {
    entry: "src/widget.ts",
    outfile: "llmscope.js",
    format: "esm",
    charset: "utf8",
    words: fromPrograms,
  },
  // Of ASCII alone: whatever page it is put into, no letter is misread.
  { entry: "src/bertviz/bertviz.ts", outfile: "bertviz.js", format: "iife", charset: "ascii" },
  { entry: "src/around.ts", outfile: "around.js", format: "iife", charset: "ascii" },
  { entry: "src/unpack.ts", outfile: "unpack.js", format: "iife", charset: "ascii" },
  { entry: "src/lab.ts", outfile: LAB, format: "iife", charset: "ascii", words: fromPage },
].map(({ entry, words = fromCatalogue, ...how }) => ({
  ...options,
  ...how,
  entryPoints: [entry],
  plugins: [words, ...options.plugins, bundle],
}));
const page = await partsOptions();

for (const one of [
  ...bundles,
  { ...page, charset: "ascii", plugins: [fromCatalogue, ...page.plugins, parts] },
]) {
  if (watching) {
    await (await esbuild.context({ ...all, ...one })).watch();
  } else {
    await esbuild.build({ ...all, ...one }).catch((error) => {
      console.error(error.message);
      process.exit(1);
    });
  }
}

if (!watching) {
  await write();
  const { text, groups } = await licences(packages);
  await writeFile(join(folder, "LICENSES.txt"), text);
  await writeFile(join(folder, "licences.json"), JSON.stringify(groups));
  await writeFile(join(folder, "words.json"), ascii(JSON.stringify(await catalogues())));
}
