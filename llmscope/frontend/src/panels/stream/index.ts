import { stream as words } from "#words/stream";
import type { Panel } from "../props";
import { NextTokenStream } from "./panel";
import css from "./stream.css";

export const stream: Panel = {
  name: "stream",
  component: NextTokenStream,
  css,
  place: "row",
  subjects: [{ title: words.subject, isWide: true }],
};
