import type { LessonStore } from "../../store/lesson";
import type { Store } from "../../store/store";
import { lesson as words } from "#words/lesson";
import { Guess } from "./guess";
import { Nodes } from "./nodes";

interface CaptionProps {
  store: Store;
  lesson: LessonStore;
}

/** What a slide says, asks, and holds back. */
export function Caption({ store, lesson }: CaptionProps) {
  const { caption, ask, answer, guess } = lesson.slide.value;
  const isHeld = lesson.isHeld.value;
  return (
    <div class="lesson-words scrolls" aria-live="polite" tabIndex={-1}>
      <Nodes nodes={caption} />
      {ask.length > 0 && (
        <div class="lesson-ask">
          <Nodes nodes={ask} />
        </div>
      )}
      {guess && <Guess key={lesson.at.value} store={store} lesson={lesson} />}
      {isHeld ? (
        <button type="button" class="lesson-reveal" onClick={() => lesson.reveal()}>
          {words.reveal}
        </button>
      ) : (
        answer.length > 0 && (
          <div class="lesson-answer">
            <Nodes nodes={answer} />
          </div>
        )
      )}
    </div>
  );
}
