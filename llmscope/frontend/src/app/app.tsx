import { effect, useSignal } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { px } from "../draw/canvas";
import { Em, PLAIN } from "../ui/em";
import { ThemeContext, themeCss } from "../host/colors";
import { type Theme, followTheme } from "../host/theme";
import type { Panel, PanelProps } from "../panels/props";
import { PRESETS } from "../sampling/presets";
import type { Store } from "../store/store";
import { Problem } from "./problem";
import { Prompts } from "./prompts";
import { Stage } from "./stage";
import base from "../ui/base.css";
import ui from "../ui/ui.css";
import css from "./app.css";
import stage from "./stage.css";

const SHARED = [themeCss, base, ui, css, stage];
/** What a person does that may lead to requests or pictures. */
const GESTURES = ["pointerdown", "pointermove", "click", "keydown", "input", "change", "wheel"];

/**
 * Shows a store in an element; the result takes it away again.
 * A shadow root keeps the page's style sheets out, and ours in.
 *
 * @param panels those that may be shown
 * @param picker what is shown while there is no model, where one can be chosen
 */
export function mount(
  el: HTMLElement,
  store: Store,
  panels: readonly Panel[],
  picker?: Panel,
): () => void {
  const shadow = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  // JupyterLab leaves the keys of an element that says so to the element.
  el.dataset.lmSuppressShortcuts = "true";
  const touch = () => store.touch();
  for (const gesture of GESTURES) el.addEventListener(gesture, touch, { capture: true });
  // Tests wait for it.
  const end = effect(() => void el.toggleAttribute("data-settled", store.settled.value));
  store.look(1);
  render(<App store={store} host={el} panels={panels} picker={picker} />, shadow);
  return () => {
    render(null, shadow);
    store.look(-1);
    end();
    for (const gesture of GESTURES) el.removeEventListener(gesture, touch, { capture: true });
  };
}

interface AppProps extends PanelProps {
  host: HTMLElement;
  panels: readonly Panel[];
  picker: Panel | undefined;
}

function App({ store, host, panels, picker }: AppProps) {
  const theme = useSignal<Theme>("light");
  useEffect(() => followTheme(host, (found) => (theme.value = found)), []);
  const shown = store.state.panels.value.flatMap(
    (name) => panels.find((panel) => panel.name === name) ?? [],
  );
  const sheets = [...SHARED, ...panels.map(({ css }) => css), picker?.css];
  const show = (place: Panel["place"]) =>
    shown
      .filter((panel) => panel.place === place)
      .map(({ name, component: Component }) => <Component key={name} store={store} />);
  const inColumns = show("column");
  const isStage = store.state.lecture.value && store.model.value !== null;
  const em = useSignal(PLAIN);
  const old = store.isOld.value ? "old" : "";
  const prompts = store.models.prompts.value.length > 1 && <Prompts store={store} />;
  const keys = (event: KeyboardEvent) => {
    const preset = event.altKey && PRESETS[Number(/^Digit(\d)$/.exec(event.code)?.[1]) - 1];
    if (event.key === "Escape") store.escape();
    if (!preset || !shown.some(({ name }) => name === "next-token")) return;
    event.preventDefault();
    store.set(preset.values);
  };
  return (
    <ThemeContext.Provider value={theme}>
      <div
        class={`llmscope ${theme.value}`}
        style={{ "--em": px(isStage ? em.value : PLAIN) }}
        onKeyDown={keys}
      >
        <style>{sheets.join("\n")}</style>
        {!store.model.value ? (
          picker && <picker.component store={store} />
        ) : isStage ? (
          <Em.Provider value={em}>
            <Stage store={store} host={host} em={em} shown={shown}>
              {prompts}
            </Stage>
          </Em.Provider>
        ) : (
          <>
            {prompts}
            {show("row")}
            <Problem store={store} />
            {inColumns.length > 0 && <div class={`columns ${old}`}>{inColumns}</div>}
          </>
        )}
      </div>
    </ThemeContext.Provider>
  );
}
