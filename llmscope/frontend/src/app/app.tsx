import { useSignal } from "@preact/signals";
import { type FunctionComponent, render } from "preact";
import { useEffect } from "preact/hooks";
import { followTheme } from "../host/frame";
import { Overview } from "../panels/overview/panel";
import { Attention } from "../panels/attention/panel";
import { Generation } from "../panels/generation/panel";
import { Header } from "../panels/header/panel";
import { NextToken } from "../panels/next-token/panel";
import { Lens } from "../panels/lens/panel";
import { Picker } from "./picker";
import { Problem } from "./problem";
import { Prompts } from "./prompts";
import { Tokens } from "../panels/tokens/panel";
import type { Store } from "../store/store";
import { sheet } from "./sheet";
import { type Theme, ThemeContext } from "../host/theme";

export interface PanelProps {
  store: Store;
}

const PANELS: Record<string, FunctionComponent<PanelProps>> = {
  header: Header,
  generation: Generation,
  tokens: Tokens,
  overview: Overview,
  attention: Attention,
  lens: Lens,
  "next-token": NextToken,
};

/** Panels as wide as the widget; the others stand side by side. */
const WIDE = new Set(["header", "generation", "tokens", "lens"]);

/**
 * Shows a store in an element; the result takes it away again.
 * A shadow root keeps the page's style sheets out, and ours in.
 */
export function mount(el: HTMLElement, store: Store): () => void {
  const shadow = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  // JupyterLab leaves the keys of an element that says so to the element.
  el.dataset.lmSuppressShortcuts = "true";
  store.look(1);
  render(<App store={store} host={el} />, shadow);
  return () => {
    render(null, shadow);
    store.look(-1);
  };
}

function App({ store, host }: PanelProps & { host: HTMLElement }) {
  const theme = useSignal<Theme>("light");
  useEffect(() => followTheme(host, (found) => (theme.value = found)), []);
  const panels = store.state.panels.value;
  const columns = panels.filter((name) => !WIDE.has(name));
  const show = (name: string) => {
    const Panel = PANELS[name];
    return Panel ? <Panel key={name} store={store} /> : null;
  };
  return (
    <ThemeContext.Provider value={theme}>
      <div
        class={`llmscope ${theme.value} ${store.state.lecture.value ? "lecture" : ""}`}
        onKeyDown={(event) => event.key === "Escape" && store.escape()}
      >
        <style>{sheet}</style>
        {!store.model.value ? (
          LIVE && <Picker store={store} />
        ) : (
          <>
            {store.loading.prompts.value.length > 1 && <Prompts store={store} />}
            {panels.filter((name) => !columns.includes(name)).map(show)}
            <Problem store={store} />
            {columns.length > 0 && <div class="columns">{columns.map(show)}</div>}
          </>
        )}
      </div>
    </ThemeContext.Provider>
  );
}
