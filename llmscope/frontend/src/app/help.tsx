import type { RefObject } from "preact";
import { Fragment } from "preact";
import type { Hints } from "../store/hints";
import type { Panel } from "../panels/props";
import { KEYS, type Scope } from "../ui/keys";
import { hints as hintWords } from "#words/hints";
import { keys as words } from "#words/keys";

/** What each act of each scope is called. */
const SCOPES: {
  [S in Scope]: { title: string; acts: Record<keyof (typeof KEYS)[S]["acts"], string> };
} = words.scopes;
const CAPS: Record<string, string> = words.caps;
const MANY = 3;

interface HelpProps {
  dialog: RefObject<HTMLDialogElement | null>;
  shown: readonly Panel[];
  /** Scopes that have keys beside those of panels and of the page. */
  scopes: readonly Scope[];
  hints: Hints | undefined;
}

/** All keys that do something in what is shown, over it. */
export function Help({ dialog, shown, scopes, hints }: HelpProps) {
  const sections = Object.entries(KEYS).filter(([scope, section]) =>
    "panel" in section
      ? shown.some(({ name }) => name === section.panel)
      : scope === "page" || scopes.includes(scope as Scope),
  );
  const close = () => dialog.current?.close();
  return (
    <dialog
      ref={dialog}
      class="help scrolls"
      aria-label={words.title}
      onClick={(event) => event.target === event.currentTarget && close()}
    >
      <div class="title spread">
        <h3>{words.title}</h3>
        <span class="right">
          {hints && (
            <button
              type="button"
              class="quiet"
              onClick={() => {
                hints.again();
                close();
              }}
            >
              {hintWords.again}
            </button>
          )}
          <button type="button" class="quiet" aria-label={words.close} onClick={close}>
            ✕
          </button>
        </span>
      </div>
      <div class="sections">
        {sections.map(([scope, { acts }]) => {
          const { title, acts: does } = SCOPES[scope as Scope];
          return (
            <section key={scope} aria-label={title}>
              <h4>{title}</h4>
              <dl>
                {Object.entries(acts).map(([act, { keys }]) => (
                  <Fragment key={act}>
                    <dt>
                      <Caps keys={keys} />
                    </dt>
                    <dd>{does[act as keyof typeof does]}</dd>
                  </Fragment>
                ))}
              </dl>
            </section>
          );
        })}
      </div>
    </dialog>
  );
}

/** Keys as they are printed on a keyboard; of many digits the first and the last. */
function Caps({ keys }: { keys: readonly string[] }) {
  const [first, last] = [keys[0]!, keys.at(-1)!];
  if (keys.length > MANY)
    return (
      <kbd>
        {/\d$/.test(first)
          ? `${capOf(first)} – ${last.at(-1)}`
          : capOf(first.replace(/Arrow\w+/, "Arrow"))}
      </kbd>
    );
  return keys.map((key, index) => (
    <Fragment key={key}>
      {index > 0 && " "}
      <kbd>{capOf(key)}</kbd>
    </Fragment>
  ));
}

function capOf(chord: string): string {
  const isMac = /^(Mac|iP)/.test(navigator.platform);
  const [, held, key] = /^((?:\w+\+)*)(.+)$/.exec(chord)!;
  const name = CAPS[key!] ?? (held ? key!.toUpperCase() : key!);
  const beside = held!.split("+").filter(Boolean);
  return [...beside.map((one) => (one === "Mod" && isMac ? "⌘" : CAPS[one])), name].join(" ");
}
