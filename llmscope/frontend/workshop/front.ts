/** All that the workshop takes of the front end. */

export { mount } from "../src/app";
export { BakedSource } from "../src/source/baked/baked";
export { type Page, readPage } from "../src/source/baked/content";
export type { AskOptions, Part, Source } from "../src/source/source";
export { Store } from "../src/store/store";
export { PlainTraits, type Traits } from "../src/store/traits";
