import { became as words } from "#words/became";
import type { Panel } from "../props";
import css from "./became.css";
import { Became } from "./panel";

export const became: Panel = {
  name: "became",
  component: Became,
  css,
  place: "block",
  subjects: [{ title: words.subject, isWide: true }],
};
