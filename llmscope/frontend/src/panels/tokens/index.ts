import type { Panel } from "../props";
import { Tokens } from "./panel";
import css from "./tokens.css";

export const tokens: Panel = { name: "tokens", component: Tokens, css, place: "row" };
