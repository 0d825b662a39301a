/** Lessons: what takes the place of a stage, and what stands above a view that is on none. */

import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import type { PanelProps } from "../../panels/props";
import { lessonOf } from "../../store/lesson";
import { Bar } from "./bar";
import { Nodes } from "./nodes";
import type { LessonPart } from "./part";
import { LessonStage } from "./stage";
import { Caption } from "./words";
import css from "./lesson.css";

/** Above the panels of a view in a cell. */
const Above: FunctionComponent<PanelProps & { host: HTMLElement }> = ({ store, host }) => {
  const lesson = lessonOf(store);
  useEffect(() => lesson.start(), []);
  const { title } = lesson.slide.value;
  return (
    <section class="lesson-above">
      <Bar store={store} host={host} lesson={lesson} />
      {title.length > 0 && (
        <h2 class="lesson-title">
          <Nodes nodes={title} />
        </h2>
      )}
      <Caption store={store} lesson={lesson} />
    </section>
  );
};

export const lesson: LessonPart = { Stage: LessonStage, Above, css };
