import type { RefObject } from "preact";
import { turnAround } from "../../host/frame";
import type { LessonStore } from "../../store/lesson";
import { sliderOf } from "./points";
import { chordOf, onKeys } from "../../ui/keys";

const FIELD = ".lesson-guess > input";
const PRESSED = "button, summary, a, [role=button]";

interface Around {
  host: HTMLElement;
  frame: RefObject<HTMLElement | null>;
  tools: () => void;
  full: () => void;
}

/** What the keys of a lesson do: each brings the stage in sight. */
export function lessonKeys(lesson: LessonStore, { host, frame, tools, full }: Around) {
  /** Lifts what is black, and does nothing else then. */
  const acting = (act: () => boolean | void) => (): boolean | void => {
    host.scrollIntoView({ block: "nearest" });
    if (lesson.isDark.peek()) return void (lesson.isDark.value = false);
    return act();
  };
  /** One step on or back; what has the focus may be gone then. */
  const turn = (by: 1 | -1) => {
    const turned = by > 0 ? lesson.next() : lesson.previous();
    if (turned) frame.current!.focus({ preventScroll: true });
    // At either end the page around turns its own; nothing else is scrolled.
    else turnAround(by);
  };
  const isPressed = (event: Event) => (event.composedPath()[0] as HTMLElement).closest?.(PRESSED);
  const press = onKeys("lesson", {
    next: acting(() => turn(1)),
    previous: acting(() => turn(-1)),
    right: acting(() => turn(1)),
    space: ({ event }) => (isPressed(event) ? false : acting(() => turn(1))()),
    left: acting(() => turn(-1)),
    first: acting(() => lesson.begin()),
    last: acting(() => void lesson.go(lesson.slides.length - 1)),
    digit: ({ digit }) => acting(() => lesson.type(digit))(),
    jump: ({ event }) => (isPressed(event) ? false : acting(() => lesson.jump())()),
    dark: acting(() => void (lesson.isDark.value = true)),
    light: acting(() => lesson.light()),
    back: acting(() => lesson.back()),
    guess: acting(() => {
      const { guess } = lesson.slide.peek();
      const field = frame.current!.querySelector<HTMLInputElement>(FIELD);
      const to = field ?? (guess ? sliderOf(frame.current!, guess) : null);
      to?.focus({ preventScroll: true });
      return to !== null;
    }),
    tools: acting(tools),
    full: acting(full),
    release: acting(() => lesson.release()),
  });
  return (event: KeyboardEvent): void => {
    press(event);
    const held = event.ctrlKey || event.metaKey || event.altKey;
    const typed = (event.composedPath()[0] as HTMLElement).matches?.(
      "input:not([type=range]), textarea, select",
    );
    if (event.defaultPrevented || held || typed) return;
    const to = lesson.slides.findIndex(({ key }) => key !== "" && key === chordOf(event));
    if (to < 0) return;
    event.preventDefault();
    acting(() => void lesson.go(to))();
  };
}
