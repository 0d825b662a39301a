// @vitest-environment node
/** Every language has what English has, and says it in its own letters. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { chosen } from "../src/words/chosen";
import { languages } from "../src/words/languages";

const FOLDER = join(import.meta.dirname, "../src/words");
const OTHERS = Object.keys(languages).filter((name) => name !== "en");

/** All sentences of a catalogue, by where they are. */
function sentences(entry: unknown, path = ""): [path: string, sentence: string][] {
  if (typeof entry === "string") return [[path, entry]];
  return Object.entries(entry as object).flatMap(([name, one]) =>
    sentences(one, path ? `${path}.${name}` : name),
  );
}

const places = (sentence: string) => (sentence.match(/\{\w+\}/g) ?? []).sort();
const english = new Map(sentences(languages.en));

test("each folder is a language", () => {
  const folders = readdirSync(FOLDER, { withFileTypes: true }).filter((one) => one.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual(Object.keys(languages).sort());
});

test("a language is chosen by the first tag that there is one for", () => {
  const names = Object.keys(languages);
  expect(chosen(names, "zh-CN")).toBe("zh");
  expect(chosen(names, null, "zh_TW")).toBe("zh");
  expect(chosen(names, "en", "zh-CN")).toBe("en");
  expect(chosen(names, "xx", undefined, "ZH-Hans-CN")).toBe("zh");
  expect(chosen(names, "", "xx")).toBe("en");
});

describe.each(OTHERS)("%s", (name) => {
  const own = new Map(sentences(languages[name]));

  test("has the entries of English, and no others", () => {
    expect([...own.keys()].sort()).toEqual([...english.keys()].sort());
  });

  test.each([...english])("has the places of %s", (path, sentence) => {
    // A form for one may name no number.
    const wanted = new Set(places(sentence));
    const found = new Set(places(own.get(path)!));
    expect([...found].sort()).toEqual([...wanted].sort());
  });
});

/** What Chinese writes with Latin letters, too: names, signs, keys, units. */
const SAME =
  /^(?:[\s\d\p{P}\p{S}A-Z]|\{\w+\}|→|↑|↓|[a-z](?![a-z])|[sS]oftmax|logit|log|W_O|KL|MLP|Esc|Enter|Alt|Ctrl|Shift|Home|End|Backspace|Delete|Space|[tT]op-[kp]|min-p|typical-p|perplexity|zh-CN|MB|Python|Love|Hate)*$/u;

describe("Chinese", () => {
  const own = sentences(languages.zh);
  const HAN = /\p{Script=Han}/u;

  test("is in Chinese letters", () => {
    expect(own.filter(([, one]) => !HAN.test(one) && !SAME.test(one))).toEqual([]);
  });

  test("has the punctuation of Chinese next to its letters", () => {
    const wrong = /\p{Script=Han}[,;:?!()]|[,;:?!(]\p{Script=Han}|\p{Script=Han}\.(?!\w)/u;
    const FORMULA = /\bp\([^)]*\)/g;
    expect(own.filter(([, one]) => wrong.test(one.replace(FORMULA, "p")))).toEqual([]);
  });

  test("has no space beside marks that have their own", () => {
    const spaced =
      /[“”‘’「」（）《》，。：；？！、] +[\p{L}\d“「（]|[\p{L}\d] +[“”‘’「」（）《》，。：；？！、]/u;
    expect(own.filter(([, one]) => spaced.test(one))).toEqual([]);
  });
});

test("a share is said as the numbers on screen are: 12 %", () => {
  const all = Object.values(languages).flatMap((language) => sentences(language));
  expect(all.filter(([, one]) => /[\d}][%％]/.test(one))).toEqual([]);
});
