// The licences of what is bundled: whole for whoever has the files, and grouped for exported pages.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { options } from "./bundle.mjs";

const root = options.absWorkingDir;

/** The text of a package's licence. */
async function licence(name) {
  const place = name === "llmscope" ? join(root, "..", "..") : join(root, "node_modules", name);
  const file = (await readdir(place)).find((file) => /^licen[cs]e/i.test(file));
  return (await readFile(join(place, file), "utf8")).trim();
}

const OWNER = /^Copyright\b.*$/gm;
const HEADING = /^(?:The )?(?:MIT|ISC|BSD.*) License.*$|^All rights reserved\.?$/gim;

/** What is granted, without whose it is, so that the same words are the same text. */
const terms = (text) => text.replace(OWNER, "").replace(HEADING, "").replace(/\s+/g, " ").trim();

const owners = (text) => (text.match(OWNER) ?? []).map((line) => line.trim());

/**
 * All licences as one text, and for notices: by its terms, whose packages are under them.
 *
 * @param packages by the name of a file, the packages that are in it
 */
export async function licences(packages) {
  const names = [...new Set(Object.values(packages).flat())].sort();
  const texts = await Promise.all(names.map(licence));
  const groups = {};
  for (const name of ["llmscope", ...names]) {
    const text = await licence(name);
    (groups[terms(text)] ??= {})[name] = owners(text).join("; ");
  }
  return {
    text: names.map((name, index) => `${name}\n\n${texts[index]}\n`).join("\n\n"),
    groups: { packages, terms: groups },
  };
}
