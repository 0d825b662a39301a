import { MODES, type Mode } from "../../protocol/shared";
import type { Panel, Subject } from "../props";
import { Attention } from "./panel";
import css from "./attention.css";
import steps from "./steps/steps.css";

const TITLES: Record<Mode, string> = { matrix: "Matrix", arcs: "Arcs", steps: "Steps" };

const subjectOf = (mode: Mode): Subject => ({
  title: TITLES[mode],
  show: ({ state }) => void (state.mode.value = mode),
  isShown: ({ state }) => state.mode.value === mode,
});

export const attention: Panel = {
  name: "attention",
  component: Attention,
  css: css + steps,
  place: "column",
  subjects: MODES.map(subjectOf),
};
