import { evaluation as words } from "#words/evaluation";
import type { Panel } from "../props";
import css from "./evaluation.css";
import { Evaluation } from "./panel";

export const evaluation: Panel = {
  name: "evaluation",
  component: Evaluation,
  css,
  place: "row",
  needsModel: false,
  subjects: [{ title: words.title, isWide: true }],
};
