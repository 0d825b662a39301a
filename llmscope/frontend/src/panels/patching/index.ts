import { patching as words } from "#words/patching";
import type { Panel } from "../props";
import { PatchingGrid } from "./panel";
import css from "./patching.css";

export const patching: Panel = {
  name: "patching",
  component: PatchingGrid,
  css,
  place: "column",
  subjects: [{ title: words.title }],
};
