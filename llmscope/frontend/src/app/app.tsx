import { effect, useComputed, useSignal } from "@preact/signals";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { px } from "../draw/canvas";
import { Em, PLAIN } from "../ui/em";
import { ThemeContext, themeCss } from "../host/colors";
import { isInNotebook, isMain, whenPlaced } from "../host/room";
import { type Theme, followTheme } from "../host/theme";
import type { Panel, PanelProps } from "../panels/props";
import { NEUTRAL } from "../protocol/shared";
import { PRESETS } from "../sampling/presets";
import type { Hints } from "../store/hints";
import type { Store } from "../store/store";
import { type } from "../ui/fit";
import { HelpContext } from "../ui/help";
import { HintContext } from "../ui/hint";
import { type Press, onKeys } from "../ui/keys";
import { followPrinting, isPrinted, onPaper } from "../ui/paper";
import { Help } from "./help";
import type { LessonPart } from "./lesson/part";
import { Problem } from "./problem";
import { Prompts } from "./prompts";
import { Stage } from "./stage";
import base from "../ui/base.css";
import ui from "../ui/ui.css";
import forced from "../ui/forced.css";
import css from "./app.css";
import help from "./help.css";
import stage from "./stage.css";
import print from "../ui/print.css";
import { language } from "#words/language";

const SHARED = [themeCss, base, ui, forced, css, help, stage];
/** What a person does that may lead to requests or pictures. */
const GESTURES = ["pointerdown", "pointermove", "click", "keydown", "input", "change", "wheel"];
/** Pixels of a stage's type on paper, whatever the screen. */
const ON_PAPER = 16;
/** What begins a gesture, whose changes are taken back together. */
const BEGINNINGS = ["pointerdown", "keydown"];

/**
 * Shows a store in an element; the result takes it away again.
 * A shadow root keeps the page's style sheets out, and ours in.
 *
 * @param panels those that may be shown
 * @param picker what is shown while there is no model, where one can be chosen
 * @param hints what one is told to do at first
 * @param lesson what shows a lesson, where there is one
 */
export function mount(
  el: HTMLElement,
  store: Store,
  panels: readonly Panel[],
  picker?: Panel,
  hints?: Hints,
  lesson?: LessonPart,
): () => void {
  const shadow = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  // JupyterLab leaves the keys of an element that says so to the element.
  el.dataset.lmSuppressShortcuts = "true";
  const touch = () => store.touch();
  const begin = (event: Event) => (event as KeyboardEvent).repeat || store.history.begin();
  for (const gesture of GESTURES) el.addEventListener(gesture, touch, { capture: true });
  for (const gesture of BEGINNINGS) el.addEventListener(gesture, begin, { capture: true });
  // Tests wait for it.
  const end = effect(() => void el.toggleAttribute("data-settled", store.settled.value));
  const endPrinting = followPrinting(shadow);
  const endPaper = effect(() => void el.toggleAttribute("data-paper", onPaper.value));
  const endHints = hints?.start();
  store.look(1);
  const given = { store, panels, picker, hints, lesson };
  render(<App {...given} host={el} />, shadow);
  return () => {
    render(null, shadow);
    store.look(-1);
    end();
    endPaper();
    endPrinting();
    endHints?.();
    for (const gesture of GESTURES) el.removeEventListener(gesture, touch, { capture: true });
    for (const gesture of BEGINNINGS) el.removeEventListener(gesture, begin, { capture: true });
  };
}

interface AppProps extends PanelProps {
  host: HTMLElement;
  panels: readonly Panel[];
  picker: Panel | undefined;
  hints: Hints | undefined;
  lesson: LessonPart | undefined;
}

function App({ store, host, panels, picker, hints, lesson }: AppProps) {
  const around = useSignal<Theme>("light");
  const theme = useComputed<Theme>(() => (isPrinted.value ? "light" : around.value));
  useEffect(() => followTheme(host, (found) => (around.value = found)), []);
  const isLesson = lesson && (store.state.lesson.value?.slides?.length ?? 0) > 0;
  const shown = store.state.panels.value
    .flatMap((name) => panels.find((panel) => panel.name === name) ?? [])
    .filter(({ name }) => !store.anatomy.isInstead.value || !/^(overview|attention)$/.test(name));
  const sheets = [...SHARED, ...panels.map(({ css }) => css), picker?.css, lesson?.css, print];
  const Stands = isLesson ? lesson.Stage : Stage;
  const old = store.isOld.value ? "old" : "";
  const hasColumns = shown.some(({ place }) => place === "column");
  const placeOf = ({ name, place }: Panel) => (name === "lens" && hasColumns ? "below" : place);
  const show = (...places: (Panel["place"] | "below")[]) =>
    together(shown.filter((panel) => places.includes(placeOf(panel)))).map((panels) => {
      const all = panels.map(({ name, component: Component }) => (
        <Component key={name} store={store} />
      ));
      if (panels[0]!.place !== "block") return all;
      return (
        <div key={panels[0]!.name} class={`blocks ${old}`}>
          {all}
        </div>
      );
    });
  const inColumns = show("column");
  const isLecture = store.state.lecture.value;
  const isReady = shown.every(({ needsModel }) => needsModel === false) || !!store.model.value;
  const isStage = isLecture && isReady;
  const em = useSignal(PLAIN);
  const inSight = useSignal<readonly string[]>([]);
  const large = useComputed(() => (onPaper.value ? ON_PAPER : em.value));
  const plain = useComputed(() => (onPaper.value ? PLAIN : type.value));
  const size = isStage ? large : plain;
  const wasStage = useRef(false);
  const [atFirst, isAtOnce, isSet] = [useRef(isLecture), useRef(isStage), useRef(false)];
  useEffect(() => {
    isSet.current ||= isLecture !== atFirst.current;
    const isNew = isStage && !wasStage.current;
    wasStage.current = isStage;
    if (!isNew) return;
    if (isSet.current) return host.scrollIntoView();
    // What comes up by itself moves no page that it is only a part of, nor one that begins with it.
    const mayMove = () => isInNotebook(host) || (!isAtOnce.current && isMain(host));
    return whenPlaced(host, () => mayMove() && host.scrollIntoView());
  }, [isLecture, isStage]);
  const revealed = store.revealed.value;
  useEffect(() => {
    if (isStage || !revealed) return;
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    host
      .shadowRoot!.querySelector(`.panel.${revealed}`)
      ?.scrollIntoView({ block: "nearest", behavior });
    store.revealed.value = null;
  }, [revealed]);
  const prompts = store.models.prompts.value.length > 1 && <Prompts store={store} />;
  const help = useRef<HTMLDialogElement>(null);
  const toggleHelp = () => (help.current!.open ? help.current!.close() : help.current!.showModal());
  const samples = store.samples.value && shown.some(({ name }) => name === "next-token");
  const outside = (act: (press: Press) => boolean | void) => (press: Press) =>
    help.current!.open ? false : act(press);
  const keys = onKeys("page", {
    help: toggleHelp,
    // The browser may have something to close, too.
    release: outside(() => {
      if (hints?.now.value) hints.end();
      else store.escape();
      return false;
    }),
    undo: outside(() => store.history.undo()),
    side: outside(({ event }) => store.sides.flip(event.shiftKey ? "second" : "difference")),
    preset: outside(({ digit }) => samples && store.set(PRESETS[digit - 1]!.values)),
    reset: outside(() => samples && store.set(NEUTRAL)),
  });
  return (
    <ThemeContext.Provider value={theme}>
      <HelpContext.Provider value={toggleHelp}>
        <HintContext.Provider value={hints ?? null}>
          <div
            lang={language}
            class={`llmscope ${theme.value} ${onPaper.value ? "paper" : ""}`}
            style={{ "--em": px(size.value) }}
            onKeyDown={keys}
          >
            <style>{sheets.join("\n")}</style>
            <Em.Provider value={size}>
              {!isReady && store.training ? (
                <>
                  {shown
                    .filter(({ name }) => name === "training")
                    .map(({ name, component: Component }) => (
                      <Component key={name} store={store} />
                    ))}
                  <Problem store={store} />
                </>
              ) : !isReady ? (
                picker && <picker.component store={store} />
              ) : isStage ? (
                <Stands store={store} host={host} em={em} inSight={inSight} shown={shown}>
                  {prompts}
                </Stands>
              ) : (
                <>
                  {isLesson && <lesson.Above store={store} host={host} />}
                  {prompts}
                  {show("row", "block")}
                  <Problem store={store} />
                  {inColumns.length > 0 && <div class={`columns ${old}`}>{inColumns}</div>}
                  {show("below")}
                </>
              )}
            </Em.Provider>
            <Help
              hints={hints}
              dialog={help}
              shown={
                isLesson && isStage
                  ? shown.filter(({ name }) => inSight.value.includes(name))
                  : shown
              }
              scopes={isStage ? [isLesson ? "lesson" : "stage"] : []}
            />
          </div>
        </HintContext.Provider>
      </HelpContext.Provider>
    </ThemeContext.Provider>
  );
}

/** Each panel alone, and blocks that follow one another together. */
function together(panels: readonly Panel[]): Panel[][] {
  const groups: Panel[][] = [];
  for (const panel of panels) {
    const last = groups.at(-1);
    if (panel.place === "block" && last?.[0]!.place === "block") last.push(panel);
    else groups.push([panel]);
  }
  return groups;
}
