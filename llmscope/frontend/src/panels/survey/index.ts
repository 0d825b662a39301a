import { survey as words } from "#words/survey";
import type { Panel } from "../props";
import { Survey } from "./panel";
import css from "./survey.css";

export const survey: Panel = {
  name: "survey",
  component: Survey,
  css,
  place: "row",
  subjects: [{ title: words.title, isWide: true, isShown: () => true }],
};
