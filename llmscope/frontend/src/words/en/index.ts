/** English, room by room: the rooms, and the entries in them, that any other language has, too. */

export { app } from "./app";
export { attention } from "./attention";
export { chain } from "./chain";
export { common } from "./common";
export { compare } from "./compare";
export { edits } from "./edits";
export { effects } from "./effects";
export { evaluation } from "./evaluation";
export { generation } from "./generation";
export { header } from "./header";
export { hints } from "./hints";
export { keys } from "./keys";
export { lab } from "./lab";
export { label } from "./label";
export { language } from "./language";
export { lens } from "./lens";
export { nextToken } from "./next-token";
export { overview } from "./overview";
export { patching } from "./patching";
export { picker } from "./picker";
export { problems } from "./problems";
export { steps } from "./steps";
export { survey } from "./survey";
export { tokenizers } from "./tokenizers";
export { tokens } from "./tokens";
export { training } from "./training";
