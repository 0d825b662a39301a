import { useRef } from "preact/hooks";
import type { Store } from "../../store/store";
import { useScale } from "../../ui/em";
import { twoDecimals } from "../../ui/format";
import { plain } from "../../ui/label";
import { Save } from "../../ui/save";
import { patching as words } from "#words/patching";
import { fill } from "../../words/fill";
import type { PanelProps } from "../props";
import { Cells, nameOf } from "./cells";

const IN_COLUMNS = ["overview", "attention", "next-token"];

/** How far each layer, at each position, takes the text to a second one. */
export function PatchingGrid({ store }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const scale = useScale();
  const { state, whatIf, trace } = store;
  const { patching, source } = whatIf;
  const text = source.text.value;
  // Beside others it comes with the second text, below them; alone, or on a stage, it says what is missing.
  const isAlone = !state.panels.value.some((name) => IN_COLUMNS.includes(name));
  if (!text && !isAlone && scale <= 1) return null;
  const shown = patching.shown.value;
  const lacking = !trace.value ? words.noText : text ? patching.refused.value : words.empty;
  return (
    <section ref={panel} class="panel patching" aria-label={words.title}>
      <h3>
        <span class="ellipsis">
          {words.title} {text && <small>{fill(words.about, { text })}</small>}
        </span>
      </h3>
      {lacking ? (
        <p class="muted empty">{lacking}</p>
      ) : !shown ? (
        <p class="muted empty" role="status">
          {words.reading}
        </p>
      ) : (
        <div class={`patching-body ${patching.isOld.value ? "old" : ""}`}>
          <About store={store} />
          {shown.differ ? (
            <>
              <Cells store={store} />
              <Reading store={store} />
              <div class="foot extra">
                <Legend />
                <Save of={panel} name={`patching-${shown.labels[0]}-${shown.labels[1]}`} />
              </div>
            </>
          ) : (
            <p class="muted empty">{words.same}</p>
          )}
        </div>
      )}
    </section>
  );
}

/** Which two tokens are measured, what the texts say of them, and how far the grid is. */
function About({ store }: { store: Store }) {
  const { patching } = store.whatIf;
  const { here, there, layers, known, whole } = patching.shown.value!;
  const progress = { known, all: layers };
  return (
    <div class="flow patching-about figures">
      <Token store={store} index={0} />
      <Token store={store} index={1} />
      <span>{fill(words.ends, { here: twoDecimals(here), there: twoDecimals(there) })}</span>
      <span class="right" role="status">
        {whole ? "" : fill(patching.isStopped.value ? words.stopped : words.soFar, progress)}
        {!whole && (
          <button
            type="button"
            class="quiet"
            onClick={() => (patching.isStopped.value ? patching.goOn() : patching.stop())}
          >
            {patching.isStopped.value ? words.goOn : words.stop}
          </button>
        )}
      </span>
    </div>
  );
}

/** The token, or its foil: those that are likely in one of the texts are offered. */
function Token({ store, index }: { store: Store; index: 0 | 1 }) {
  const { offered, labels } = store.whatIf.patching.shown.value!;
  const [name, option] = index
    ? [words.foil, words.foilOption]
    : ([words.token, words.tokenOption] as const);
  const pick = (id: number) => {
    const both = [offered[0]!, offered[1]!];
    both[index] = id;
    store.state.effectOf.value = both;
  };
  return (
    <select
      aria-label={name}
      title={name}
      value={offered[index]}
      onChange={(event) => pick(Number(event.currentTarget.value))}
    >
      {offered.map((id, at) =>
        at === 1 - index ? null : (
          <option key={id} value={id}>
            {fill(option, { token: plain(labels[at]!) })}
          </option>
        ),
      )}
    </select>
  );
}

/** What the cell under the mouse says, or else the one in focus. */
function Reading({ store }: { store: Store }) {
  const { patching } = store.whatIf;
  const { here, there, labels } = patching.shown.value!;
  const cell = patching.hovered.value ?? patching.focus.value;
  const [share, patched] = [patching.share(cell), patching.patched(cell)];
  const [token, foil] = labels.map(plain) as [string, string];
  return (
    <p class="patching-reading lines figures" role="status">
      <b>
        {fill(words.told, { cell: nameOf(store, cell) })}{" "}
        {share === undefined ? words.unknown : fill(words.share, { share: twoDecimals(share) })}
      </b>
      {patched !== undefined && (
        <>
          {" · "}
          {fill(words.difference, { token, foil })}{" "}
          {fill(words.numbers, {
            here: twoDecimals(here),
            patched: twoDecimals(patched),
            there: twoDecimals(there),
          })}
        </>
      )}
    </p>
  );
}

function Legend() {
  return (
    <span class="patching-legend note">
      −1 <i /> 1 · {words.legend} <span data-tool>{words.click}</span>
    </span>
  );
}
