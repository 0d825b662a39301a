import type { Panel } from "../props";
import { Generation } from "./panel";
import css from "./generation.css";

export const generation: Panel = { name: "generation", component: Generation, css, place: "row" };
