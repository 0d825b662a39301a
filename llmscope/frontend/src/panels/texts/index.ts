import type { Panel } from "../props";
import { Texts } from "./panel";
import css from "./texts.css";

export const texts: Panel = { name: "texts", component: Texts, css, place: "row" };
