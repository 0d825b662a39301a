import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { px } from "../draw/canvas";
import { followRoom, toggleFullScreen } from "../host/room";
import { ServerFacts } from "../panels/header/server";
import type { Subject } from "../panels/props";
import { HelpButton } from "../ui/help";
import { onKeys } from "../ui/keys";
import { app as words } from "#words/app";
import { fill } from "../words/fill";
import { useKeptFocus } from "./keep-focus";
import type { StageProps } from "./lesson/part";
import { Problem } from "./problem";

const LINES = 36; // of type, one below the other, that there is room for
const EMS = 60; // of type beside each other
const LEAST = 16; // pixels of type
/** What in a subject has keys of its own. */
const KEYED = '[role="application"], [tabindex="0"], input[type="range"]';

/** As high as what is in sight: the text, one subject, large, and the next token beside it. */
export function Stage({ store, host, em, shown, children }: StageProps) {
  const height = useSignal(0);
  const chosen = useSignal<string | null>(null);
  const hasTools = useSignal(false);
  const frame = useRef<HTMLDivElement>(null);
  const subject = useRef<HTMLDivElement>(null);
  useLayoutEffect(
    () =>
      followRoom(host, (room) => {
        height.value = room.height;
        const fitting = Math.min(room.height / LINES, room.width / EMS);
        em.value = Math.max(LEAST, Math.floor(fitting));
      }),
    [],
  );
  useKeptFocus(frame);
  const rows = shown.filter(({ name, subjects }) => !subjects && name !== "header");
  const subjects = shown.flatMap((panel) =>
    (panel.subjects ?? [])
      .filter(({ isThere }) => isThere?.(store) ?? true)
      .map((subject) => ({ ...subject, panel })),
  );
  const titleOf = ({ title }: Subject) => (typeof title === "string" ? title : title(store));
  const isShown = ({ isShown }: Subject) => isShown?.(store) ?? true;
  const now =
    subjects.find((one) => one.panel.name === chosen.value && isShown(one)) ??
    subjects.find((one) => one.isShown?.(store)) ??
    subjects[0];
  const beside =
    !now?.isWide && shown.find(({ name }) => name === "next-token" && name !== now?.panel.name);
  const go = (to: (typeof subjects)[number]) => {
    // What had the focus goes, and no key would be heard.
    if (subject.current?.matches(":focus-within")) frame.current!.focus({ preventScroll: true });
    frame.current!.scrollIntoView({ block: "nearest" });
    chosen.value = to.panel.name;
    to.show?.(store);
  };
  const revealed = store.revealed.value;
  useEffect(() => {
    const own = subjects.filter(({ panel }) => panel.name === revealed);
    const to = own.find(isShown) ?? own[0];
    if (to) go(to);
    store.revealed.value = null;
  }, [revealed]);
  const old = store.isOld.value ? "old" : "";
  const keys = onKeys("stage", {
    go: ({ digit }) => (subjects[digit - 1] ? go(subjects[digit - 1]!) : false),
    tools: () => void (hasTools.value = !hasTools.value),
    full: () => toggleFullScreen(host),
    begin: ({ event }) => {
      const from = event.composedPath()[0] as HTMLElement;
      const to = subject.current?.querySelector<HTMLElement>(KEYED);
      if (!to || !(from === event.currentTarget || from.closest(".tabs"))) return false;
      to.focus({ preventScroll: true });
      to.dispatchEvent(new KeyboardEvent(event.type, event));
    },
  });
  return (
    <div
      ref={frame}
      class={`stage ${hasTools.value ? "" : "bare"}`}
      tabIndex={-1}
      style={{ height: px(height.value) }}
      onKeyDown={keys}
    >
      <nav class="tabs" aria-label={words.shown}>
        {subjects.length > 1 &&
          subjects.map((one, index) => (
            <button
              key={titleOf(one)}
              type="button"
              aria-pressed={one === now}
              title={fill(words.showTitle, { digit: index + 1 })}
              onClick={() => go(one)}
            >
              {titleOf(one)}
            </button>
          ))}
        <span class="muted ellipsis" title={store.model.value?.name}>
          {store.model.value?.name}
        </span>
        <ServerFacts store={store} isBrief />
        <span class="right">
          <button
            type="button"
            class="quiet"
            aria-pressed={hasTools.value}
            title={words.controlsTitle}
            onClick={() => (hasTools.value = !hasTools.value)}
          >
            {words.controls}
          </button>
          <HelpButton />
          {document.fullscreenEnabled && (
            <button
              type="button"
              class="quiet"
              title={words.fullScreenTitle}
              onClick={() => toggleFullScreen(host)}
            >
              {words.fullScreen}
            </button>
          )}
          <button
            type="button"
            class="quiet"
            aria-label={words.leave}
            title={words.leave}
            onClick={() => {
              if (document.fullscreenElement) void document.exitFullscreen();
              store.state.lecture.value = false;
            }}
          >
            ✕
          </button>
        </span>
      </nav>
      <div class="above">
        {children}
        {shown.map(({ name, strip: Strip }) =>
          Strip && name !== now?.panel.name ? <Strip key={name} store={store} /> : null,
        )}
        {rows.map(({ name, component: Component }) => (
          <Component key={name} store={store} />
        ))}
      </div>
      {now && (
        <div ref={subject} class={`subject ${old}`} key={now.panel.name}>
          <now.panel.component store={store} />
        </div>
      )}
      {beside && (
        <div class={`beside ${old}`}>
          <beside.component store={store} />
        </div>
      )}
      <Problem store={store} />
    </div>
  );
}
