import { model as words } from "#words/model";
import type { Panel } from "../props";
import block from "./block.css";
import details from "./details.css";
import css from "./model.css";
import { Model } from "./panel";
import stage from "./stage.css";

export const model: Panel = {
  name: "model",
  component: Model,
  css: css + block + details + stage,
  place: "row",
  subjects: [{ title: words.title, isWide: true }],
};
