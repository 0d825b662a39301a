// How words come into a bundle. What is built once and shown in any language reads its rooms from a
// catalogue, `__words`, which whoever runs it provides.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import * as esbuild from "esbuild";
import { options } from "./bundle.mjs";

const ROOMS = /^#words\//;
const folder = join(options.absWorkingDir, "src/words");
const roomOf = (path) =>
  path.replace(ROOMS, "").replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

/** Names of all languages: their folders. */
export const languages = async () =>
  (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();

const rooms = (name, contents) => ({
  name,
  setup(build) {
    build.onResolve({ filter: ROOMS }, ({ path }) => ({ path, namespace: "words" }));
    build.onLoad({ filter: /.*/, namespace: "words" }, async ({ path }) => ({
      contents: await contents(path.replace(ROOMS, ""), roomOf(path)),
      resolveDir: folder,
      loader: "ts",
    }));
  },
});

/** Rooms of the catalogue that whoever runs the bundle provides. */
export const fromCatalogue = rooms(
  "words-from-catalogue",
  (_, room) => `export const ${room} = __words.${room};`,
);

/** Rooms of all languages, of which the one is read that the page is in by then. */
export const fromPage = rooms("words-from-page", async (file, room) => {
  const names = await languages();
  return `import { chosen } from "./chosen";
${names.map((name) => `import { ${room} as ${name} } from "./${name}/${file}";`).join("\n")}
const all = { ${names} };
const here = () => all[chosen(Object.keys(all), document.documentElement.lang)];
export const ${room} = new Proxy(en, { get: (_, name) => here()[name] });`;
});

/** `import make from "program:./x"` is a function of a catalogue that gives what x exports by default. */
export const programs = (packages) => ({
  name: "programs",
  setup(build) {
    const { define, charset } = build.initialOptions;
    build.onResolve({ filter: /^program:/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, `${path.slice("program:".length)}.ts`),
      namespace: "program",
    }));
    build.onLoad({ filter: /.*/, namespace: "program" }, async ({ path }) => {
      const { metafile, outputFiles } = await esbuild.build({
        ...options,
        define,
        charset,
        entryPoints: [path],
        plugins: [fromCatalogue, ...options.plugins],
        format: "iife",
        globalName: "__made",
        metafile: true,
        write: false,
      });
      packages(metafile);
      return {
        contents: `export default (__words) => {${outputFiles[0].text};return __made.default}`,
        watchFiles: Object.keys(metafile.inputs)
          .filter((input) => !/^[\w-]+:/.test(input))
          .map((input) => join(options.absWorkingDir, input)),
      };
    });
  },
});

/** All catalogues, by language, as data. */
export async function catalogues() {
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(folder, "languages.ts")],
    bundle: true,
    format: "esm",
    write: false,
  });
  const code = Buffer.from(outputFiles[0].text).toString("base64");
  const { languages: found } = await import(`data:text/javascript;base64,${code}`);
  return Object.fromEntries(Object.entries(found).map(([name, words]) => [name, { ...words }]));
}
