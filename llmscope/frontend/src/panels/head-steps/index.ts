import { headSteps as words } from "#words/head-steps";
import type { Panel } from "../props";
import css from "./head-steps.css";
import { HeadSteps } from "./panel";

export const headSteps: Panel = {
  name: "head-steps",
  component: HeadSteps,
  css,
  place: "block",
  subjects: [{ title: words.subject, isWide: true }],
};
