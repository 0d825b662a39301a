import { tokenizers as words } from "#words/tokenizers";
import type { Panel } from "../props";
import { Tokenizers } from "./panel";
import css from "./tokenizers.css";

export const tokenizers: Panel = {
  name: "tokenizers",
  component: Tokenizers,
  css,
  place: "row",
  needsModel: false,
  subjects: [{ title: words.title, isWide: true }],
};
