import type { Panel } from "../props";
import { Tokens } from "./panel";
import stage from "./stage.css";
import css from "./tokens.css";

export const tokens: Panel = { name: "tokens", component: Tokens, css: css + stage, place: "row" };
