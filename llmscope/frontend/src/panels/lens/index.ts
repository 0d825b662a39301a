import { lens as words } from "#words/lens";
import type { Panel } from "../props";
import { Lens } from "./panel";
import css from "./lens.css";

export const lens: Panel = {
  name: "lens",
  component: Lens,
  css,
  place: "row",
  subjects: [{ title: words.subject }],
};
