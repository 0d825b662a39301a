import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import { followRoom, toggleFullScreen } from "../../host/room";
import type { Panel } from "../../panels/props";
import { lessonOf } from "../../store/lesson";
import { useKeptFocus } from "../keep-focus";
import { Problem } from "../problem";
import { Bar } from "./bar";
import { takesFocus } from "./focus";
import { lessonKeys } from "./keys";
import { Nodes } from "./nodes";
import type { StageProps } from "./part";
import { Points } from "./points";
import { Caption } from "./words";
import { lesson as words } from "#words/lesson";

const LINES = 40; // of type, one below the other, that there is room for
const EMS = 62; // of type beside each other
const LEAST = 15; // pixels of type
/** What a person does in a panel that may take it off the track. */
const TOUCHES = ["click", "input", "change"];

/** A slide, as large as what is in sight: one subject, a few words, and where one is. */
export function LessonStage({ store, host, em, inSight, shown, children }: StageProps) {
  const lesson = lessonOf(store);
  const height = useSignal(0);
  const hasTools = useSignal(false);
  const frame = useRef<HTMLDivElement>(null);
  const picture = useRef<HTMLDivElement>(null);
  useLayoutEffect(
    () =>
      followRoom(host, (room) => {
        height.value = room.height;
        em.value = Math.max(LEAST, Math.floor(Math.min(room.height / LINES, room.width / EMS)));
      }),
    [],
  );
  useKeptFocus(frame);
  useEffect(() => lesson.start(), []);
  useEffect(() => takesFocus(host, frame.current!), []);
  const slide = lesson.slide.value;
  const isHeld = lesson.isHeld.value;
  const revealed = store.revealed.value;
  useEffect(() => {
    if (revealed) lesson.open(revealed);
    store.revealed.value = null;
  }, [revealed]);
  useEffect(() => {
    store.pointed.value = slide.points;
  }, [slide]);
  useEffect(() => {
    const element = picture.current!;
    const touch = () => lesson.touch();
    for (const name of TOUCHES) element.addEventListener(name, touch);
    return () => {
      for (const name of TOUCHES) element.removeEventListener(name, touch);
    };
  }, [lesson.visits.value]);
  useLayoutEffect(() => {
    // Begun anew for each slide, without the panels being made anew.
    picture.current!.getAnimations().forEach((one) => one.cancel());
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches)
      picture.current!.animate({ opacity: [0.25, 1] }, { duration: 320, easing: "ease-out" });
  }, [slide]);

  const isHidden = ({ name }: Panel) => slide.hide.includes(name);
  const there = shown.filter((panel) => !isHidden(panel));
  const subjects = there.filter(({ subjects }) =>
    subjects?.some(({ isThere }) => isThere?.(store) ?? true),
  );
  const named = shown.find(({ name }) => name === (lesson.opened.value ?? slide.show));
  const now = named ? (named.subjects ? named : null) : (subjects[0] ?? null);
  const isWide = now?.subjects!.some(({ isWide }) => isWide) ?? true;
  const next = there.find(({ name }) => name === "next-token" && name !== now?.name);
  const beside = !isWide && !slide.zoom && next;
  const rows = slide.zoom
    ? []
    : there.filter(({ name, subjects }) => !subjects && name !== "header");
  const names = [now, beside || null, ...rows].flatMap((panel) => panel?.name ?? []).join(" ");
  useEffect(() => {
    inSight.value = names.split(" ");
  }, [names]);
  // What a person moved away isn't said to be missing, nor what is to be guessed.
  const isDone = store.settled.value && !isHeld && !lesson.isOff.value;
  const old = store.isOld.value ? "old" : "";
  const keys = lessonKeys(lesson, {
    host,
    frame,
    tools: () => void (hasTools.value = !hasTools.value),
    full: () => toggleFullScreen(host),
  });
  const state = [
    !hasTools.value && "bare",
    isHeld && slide.guess === "next-token" && "lesson-held",
    lesson.isLit.value && "lesson-lit",
    slide.zoom && "lesson-zoom",
    !now && "lesson-text",
  ];
  return (
    <div
      ref={frame}
      class={["stage lesson", ...state].filter(Boolean).join(" ")}
      tabIndex={-1}
      role="region"
      aria-label={words.title}
      style={{ height: px(height.value) }}
      onKeyDown={keys}
    >
      <Bar store={store} host={host} lesson={lesson} hasTools={hasTools} />
      {slide.title.length > 0 && (
        <h2 class="lesson-title">
          <Nodes nodes={slide.title} />
        </h2>
      )}
      <div ref={picture} class="lesson-picture" key={lesson.visits.value}>
        <div class="above">
          {children}
          {there.map(({ name, strip: Strip }) =>
            Strip && name !== now?.name ? <Strip key={name} store={store} /> : null,
          )}
          {rows.map(({ name, component: Component }) => (
            <Component key={name} store={store} />
          ))}
        </div>
        {now && (
          <div class={`subject ${old}`} key={now.name}>
            <now.component store={store} />
          </div>
        )}
        {beside && (
          <div class={`beside ${old}`}>
            <beside.component store={store} />
          </div>
        )}
      </div>
      <Caption store={store} lesson={lesson} />
      <Problem store={store} />
      <Points frame={frame} points={slide.points} trace={store.trace.value} isDone={isDone} />
      {lesson.isDark.value && <Dark onLeave={() => (lesson.isDark.value = false)} />}
    </div>
  );
}

/** Black, over all of the window. */
function Dark({ onLeave }: { onLeave: () => void }) {
  const own = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => own.current!.showPopover?.(), []);
  return (
    <div ref={own} popover="manual" class="lesson-dark" onClick={onLeave}>
      {words.darkHint}
    </div>
  );
}
