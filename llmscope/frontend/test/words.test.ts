// @vitest-environment node
/** The catalogue of words: that it is whole, and that no words are anywhere else. */

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import * as en from "../src/words/en";
import { choose, fill, rich } from "../src/words/fill";

const SRC = join(import.meta.dirname, "../src");
const filesOf = (folder: string) =>
  readdirSync(join(SRC, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(folder, name));

describe("a template", () => {
  test("has its places filled, in its own order", () => {
    expect(fill("{of} of {all}", { all: 12, of: "3" })).toBe("3 of 12");
    expect(fill("von {all} {of}", { all: 12, of: "3" })).toBe("von 12 3");
    expect(fill("none", {})).toBe("none");
  });

  test("takes nodes", () => {
    expect(rich("after “{token}”", { token: null })).toEqual(["after “", null, "”"]);
  });

  test("has a form for each number", () => {
    const { tokens } = en.common;
    expect([0, 1, 2].map((number) => choose(tokens, number))).toEqual([
      tokens.other,
      tokens.one,
      tokens.other,
    ]);
  });
});

test("a language is all of its rooms", () => {
  const rooms = readdirSync(join(SRC, "words/en")).filter((name) => !/^(index|names)\./.test(name));
  expect(Object.keys(en)).toHaveLength(rooms.length);
});

const ATTRIBUTES = /^(title|alt|placeholder|label|name|aria-(label|valuetext|description))$/;
/** What is no word: a model, the name of one of a few, fonts, what a frame may do. */
const NAMES =
  /^(openai-community\/gpt2|row|column|type|map|temperature|play|px system-ui, sans-serif|allow-scripts allow-downloads|broken off)$/;
const SENTENCE = /\p{L}{2,} \p{L}{2,}/u;

/** Whether a literal is within the name of a class or a module, or in a style. */
function isNamed(node: ts.Node): boolean {
  if (ts.isJsxAttribute(node)) return /^(class|style|d)$/.test(node.name.getText());
  return ts.isImportDeclaration(node) || (node.parent !== undefined && isNamed(node.parent));
}

/** Words in a file that isn't the catalogue. */
function wordsIn(name: string): string[] {
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isJsxText(node) && /\p{L}{2,}/u.test(node.text)) found.push(node.text.trim());
    else if (ts.isStringLiteralLike(node) || ts.isTemplateLiteralToken(node)) {
      const { parent, text } = node;
      const isShown = ts.isJsxAttribute(parent) && ATTRIBUTES.test(parent.name.getText());
      if ((isShown || SENTENCE.test(text)) && !NAMES.test(text) && !isNamed(node)) found.push(text);
    }
    ts.forEachChild(node, look);
  };
  const text = readFileSync(join(SRC, name), "utf8");
  look(ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true));
  return found;
}

const FOLDERS = ["app", "bertviz", "host", "lab", "panels", "protocol", "sampling", "sources"];

test.each([...FOLDERS, "store", "ui"])("no file of %s/ has words of its own", (folder) => {
  for (const name of filesOf(folder)) expect(wordsIn(name), name).toEqual([]);
});
