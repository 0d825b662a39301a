import type { FunctionComponent } from "preact";
import type { Store } from "../store/store";

export interface PanelProps {
  store: Store;
}

/** What a stage can show large, one at a time. */
export interface Subject {
  title: string | ((store: Store) => string);
  /** Whether the model has it, where not every model does. */
  isThere?: (store: Store) => boolean;
  /** Turns the panel to it, where it has several. */
  show?: (store: Store) => void;
  isShown?: (store: Store) => boolean;
  /** Whether it takes the place of the next token beside it, too. */
  isWide?: boolean;
}

/** A panel, as the index of its folder registers it. */
export interface Panel {
  /** As the trait `_panels` calls it. */
  name: string;
  component: FunctionComponent<PanelProps>;
  /** Its style sheet. */
  css: string;
  /** False where it shows no text through a model: a view of such panels alone has none. */
  needsModel?: false;
  /**
   * Rows are as wide as the widget; columns are side by side below them. Blocks that follow one another
   * are side by side among the rows.
   */
  place: "row" | "block" | "column";
  /** On a stage a panel without any is always above. */
  subjects?: readonly Subject[];
  /** What of it stays above on a stage while another panel's subject is shown. */
  strip?: FunctionComponent<PanelProps>;
}
