import { model as words } from "#words/model";
import type { Panel } from "../props";
import block from "./block.css";
import css from "./model.css";
import { Model } from "./panel";

export const model: Panel = {
  name: "model",
  component: Model,
  css: css + block,
  place: "row",
  subjects: [{ title: words.title, isWide: true }],
};
