import { useSignal } from "@preact/signals";
import { type FunctionComponent, render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Header } from "./panels/header";
import { Matrix } from "./panels/matrix";
import { NextToken } from "./panels/next-token";
import { Overview } from "./panels/overview";
import { Picker } from "./panels/picker";
import { Problem } from "./panels/problem";
import { Tokens } from "./panels/tokens";
import type { Store } from "./store/store";
import css from "./style.css";
import { type Theme, ThemeContext, followTheme } from "./theme";

export interface PanelProps {
  store: Store;
}

const PANELS: Record<string, FunctionComponent<PanelProps>> = {
  header: Header,
  tokens: Tokens,
  overview: Overview,
  matrix: Matrix,
  "next-token": NextToken,
};

/** Shows a store in an element; the result takes it away again. */
export function mount(el: HTMLElement, store: Store): () => void {
  store.look(1);
  render(<App store={store} />, el);
  return () => {
    render(null, el);
    store.look(-1);
  };
}

function App({ store }: PanelProps) {
  const root = useRef<HTMLDivElement>(null);
  const theme = useSignal<Theme>("light");
  useEffect(() => followTheme(root.current!, (found) => (theme.value = found)), []);
  const panels = store.state.panels.value;
  const columns = panels.filter((name) => name !== "header" && name !== "tokens");
  const show = (name: string) => {
    const Panel = PANELS[name];
    return Panel ? <Panel key={name} store={store} /> : null;
  };
  return (
    <ThemeContext.Provider value={theme}>
      <div
        ref={root}
        class={`llmscope ${theme.value} ${store.state.lecture.value ? "lecture" : ""}`}
        // JupyterLab leaves the keys of an element that says so to the element.
        data-lm-suppress-shortcuts="true"
        onKeyDown={(event) => event.key === "Escape" && store.escape()}
      >
        <style>{css}</style>
        {!store.model.value ? (
          <Picker store={store} />
        ) : (
          <>
            {panels.filter((name) => !columns.includes(name)).map(show)}
            <Problem store={store} />
            {columns.length > 0 && <div class="columns">{columns.map(show)}</div>}
          </>
        )}
      </div>
    </ThemeContext.Provider>
  );
}
