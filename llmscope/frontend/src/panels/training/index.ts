import { training as words } from "#words/training";
import type { Panel } from "../props";
import { Training, TrainingStrip } from "./panel";
import css from "./training.css";

export const training: Panel = {
  name: "training",
  component: Training,
  css,
  needsModel: false,
  place: "row",
  strip: TrainingStrip,
  subjects: [{ title: words.title, isShown: () => true }],
};
