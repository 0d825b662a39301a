import { MODES, type Mode } from "../../protocol/shared";
import { attention as words } from "#words/attention";
import type { Panel, Subject } from "../props";
import { Attention } from "./panel";
import arcs from "./arcs.css";
import css from "./attention.css";
import steps from "./steps/steps.css";

const subjectOf = (mode: Mode): Subject => ({
  title: words.modes[mode],
  show: ({ state }) => void (state.mode.value = mode),
  isShown: ({ state }) => state.mode.value === mode,
});

export const attention: Panel = {
  name: "attention",
  component: Attention,
  css: css + arcs + steps,
  place: "column",
  subjects: MODES.map(subjectOf),
};
