import type { Panel } from "../props";
import { Header } from "./panel";
import css from "./header.css";

export const header: Panel = { name: "header", component: Header, css, place: "row" };
