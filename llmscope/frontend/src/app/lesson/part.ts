import type { Signal } from "@preact/signals";
import type { ComponentChildren, FunctionComponent } from "preact";
import type { Panel, PanelProps } from "../../panels/props";

export interface StageProps extends PanelProps {
  host: HTMLElement;
  /** The size of type, which follows the height that there is. */
  em: Signal<number>;
  /** Names of the panels that a slide shows. */
  inSight: Signal<readonly string[]>;
  shown: readonly Panel[];
  /** Above the text. */
  children?: ComponentChildren;
}

/** What shows lessons, which a page without one does without. */
export interface LessonPart {
  /** Takes the place of a stage. */
  Stage: FunctionComponent<StageProps>;
  /** Above the panels of a view that is on none. */
  Above: FunctionComponent<PanelProps & { host: HTMLElement }>;
  css: string;
}
