import { nextToken as words } from "#words/next-token";
import type { Panel } from "../props";
import { NextToken } from "./panel";
import controls from "./controls.css";
import css from "./next-token.css";
import mirrored from "./mirrored.css";
import narrow from "./narrow.css";
import stage from "./stage.css";

export const nextToken: Panel = {
  name: "next-token",
  component: NextToken,
  css: controls + css + stage + mirrored + narrow,
  place: "column",
  subjects: [
    { title: ({ model }) => (model.value!.family === "masked" ? words.token : words.title) },
  ],
};
