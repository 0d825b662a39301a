import type { Panel } from "../props";
import { Attention } from "./panel";
import css from "./attention.css";
import steps from "./steps/steps.css";

export const attention: Panel = {
  name: "attention",
  component: Attention,
  css: css + steps,
  place: "column",
};
