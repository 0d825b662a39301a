import type { FunctionComponent } from "preact";
import type { Store } from "../store/store";

export interface PanelProps {
  store: Store;
}

/** A panel, as the index of its folder registers it. */
export interface Panel {
  /** As the trait `_panels` calls it. */
  name: string;
  component: FunctionComponent<PanelProps>;
  /** Its style sheet. */
  css: string;
  /** Rows are as wide as the widget; columns are side by side below them. */
  place: "row" | "column";
}
