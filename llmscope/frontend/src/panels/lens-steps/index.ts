import { lensSteps as words } from "#words/lens-steps";
import type { Panel } from "../props";
import css from "./lens-steps.css";
import { LensSteps } from "./panel";

export const lensSteps: Panel = {
  name: "lens-steps",
  component: LensSteps,
  css,
  place: "block",
  subjects: [{ title: words.subject, isWide: true }],
};
