import type { Signal } from "@preact/signals";
import { toggleFullScreen } from "../../host/room";
import type { LessonStore } from "../../store/lesson";
import type { Store } from "../../store/store";
import { HelpButton } from "../../ui/help";
import { app } from "#words/app";
import { lesson as words } from "#words/lesson";
import { fill } from "../../words/fill";
import { Story } from "./story";

interface BarProps {
  store: Store;
  host: HTMLElement;
  lesson: LessonStore;
  /** Whether the controls of panels are shown; nothing off a stage, where they always are. */
  hasTools?: Signal<boolean>;
}

/** Where in the lesson, and in the model, one is; and all that keys do, by the mouse. */
export function Bar({ store, host, lesson, hasTools }: BarProps) {
  const at = lesson.at.value;
  const count = lesson.slides.length;
  const press = (name: string, title: string, act: () => void, on?: boolean) => (
    <button type="button" class="quiet" title={title} aria-pressed={on} onClick={act}>
      {name}
    </button>
  );
  return (
    <nav class="lesson-bar" aria-label={words.title}>
      <Story store={store} part={lesson.slide.value.story} />
      <span class="lesson-controls right">
        {lesson.isOff.value && (
          <button
            type="button"
            class="lesson-off"
            title={`${words.return}: ${words.returnTitle}`}
            onClick={() => lesson.back()}
          >
            {words.off} ↩
          </button>
        )}
        <button
          type="button"
          class="quiet"
          aria-label={words.previous}
          title={words.previous}
          aria-disabled={at === 0}
          onClick={() => void lesson.previous()}
        >
          ‹
        </button>
        <output
          class="figures"
          aria-label={fill(words.slideLabel, { at: at + 1, count })}
          title={lesson.typed.value && fill(words.jump, { typed: lesson.typed.value })}
        >
          {fill(words.slide, { at: lesson.typed.value ? `${lesson.typed.value}…` : at + 1, count })}
        </output>
        <button
          type="button"
          class="quiet"
          aria-label={words.next}
          title={words.next}
          aria-disabled={at === count - 1 && !lesson.isHeld.value}
          onClick={() => void lesson.next()}
        >
          ›
        </button>
        {hasTools ? (
          <>
            {press(words.light, words.lightTitle, () => lesson.light(), lesson.isLit.value)}
            {press(words.dark, words.darkTitle, () => (lesson.isDark.value = true))}
            {press(
              app.controls,
              app.controlsTitle,
              () => (hasTools.value = !hasTools.value),
              hasTools.value,
            )}
            <HelpButton />
            {document.fullscreenEnabled &&
              press("⤢", `${app.fullScreen.replace("⤢ ", "")}: ${app.fullScreenTitle}`, () =>
                toggleFullScreen(host),
              )}
            <button
              type="button"
              class="quiet"
              aria-label={app.leave}
              title={app.leave}
              onClick={() => {
                if (document.fullscreenElement) void document.exitFullscreen();
                store.state.lecture.value = false;
              }}
            >
              ✕
            </button>
          </>
        ) : (
          press(words.stage, words.stageTitle, () => (store.state.lecture.value = true))
        )}
      </span>
    </nav>
  );
}
