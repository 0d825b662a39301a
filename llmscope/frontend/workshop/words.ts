/** The words of the workshop: `lang=zh` in its address are Chinese. */

import { chosen } from "../src/words/chosen";
import { languages } from "../src/words/languages";

const spoken = () =>
  chosen(Object.keys(languages), new URLSearchParams(location.hash.replace(/^#/, "")).get("lang"));
const language = spoken();

// Panels hold their words from when they are read.
addEventListener("hashchange", () => spoken() === language || location.reload());
document.documentElement.lang = language;
Object.assign(globalThis, { __words: languages[language] });
