import { overview as words } from "#words/overview";
import type { Panel } from "../props";
import { Overview } from "./panel";
import css from "./overview.css";

export const overview: Panel = {
  name: "overview",
  component: Overview,
  css,
  place: "column",
  subjects: [{ title: words.subject }],
};
