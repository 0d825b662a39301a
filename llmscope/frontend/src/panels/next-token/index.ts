import type { Panel } from "../props";
import { NextToken } from "./panel";
import css from "./next-token.css";

export const nextToken: Panel = {
  name: "next-token",
  component: NextToken,
  css,
  place: "column",
  subjects: [{ title: "Next token" }],
};
