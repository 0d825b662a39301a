/** All that the workshop takes of the front end. */

export { mount } from "../src/app/app";
export { lesson } from "../src/app/lesson";
export { PANELS } from "../src/panels/registry";
export type { AskOptions } from "../src/protocol/source";
export { type Page, readPage } from "../src/sources/page/content";
export { PageSource } from "../src/sources/page/page";
export { withSteps } from "../src/sources/steps";
export { Hints } from "../src/store/hints";
export { Store } from "../src/store/store";
export { PlainTraits, type Traits } from "../src/store/traits";
