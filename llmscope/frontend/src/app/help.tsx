import type { RefObject } from "preact";
import { Fragment } from "preact";
import type { Hints } from "../store/hints";
import type { Panel } from "../panels/props";
import { KEYS } from "../ui/keys";

const NAMES: Record<string, string> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  Escape: "Esc",
};
const MANY = 3;

interface HelpProps {
  dialog: RefObject<HTMLDialogElement | null>;
  shown: readonly Panel[];
  isStage: boolean;
  hints: Hints | undefined;
}

/** All keys that do something in what is shown, over it. */
export function Help({ dialog, shown, isStage, hints }: HelpProps) {
  const sections = Object.entries(KEYS).filter(([scope, section]) =>
    "panel" in section
      ? shown.some(({ name }) => name === section.panel)
      : scope !== "stage" || isStage,
  );
  const close = () => dialog.current?.close();
  return (
    <dialog
      ref={dialog}
      class="help scrolls"
      aria-label="Keys"
      onClick={(event) => event.target === event.currentTarget && close()}
    >
      <h3 class="spread">
        Keys
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
              Show the first hints again
            </button>
          )}
          <button type="button" class="quiet" aria-label="Close" onClick={close}>
            ✕
          </button>
        </span>
      </h3>
      <div class="sections">
        {sections.map(([scope, { title, acts }]) => (
          <section key={scope} aria-label={title}>
            <h4>{title}</h4>
            <dl>
              {Object.values(acts).map(({ keys, does }) => (
                <Fragment key={does}>
                  <dt>
                    <Caps keys={keys} />
                  </dt>
                  <dd>{does}</dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </dialog>
  );
}

/** Keys as they are printed on a keyboard; of many digits the first and the last. */
function Caps({ keys }: { keys: readonly string[] }) {
  const caps = keys.map(capOf);
  const [first, last] = [caps[0]!, caps.at(-1)!];
  if (keys.length > MANY)
    return (
      <kbd>{/\d$/.test(first) ? `${first} – ${last.at(-1)}` : first.replace("↑", "arrows")}</kbd>
    );
  return caps.map((cap, index) => (
    <Fragment key={cap}>
      {index > 0 && " "}
      <kbd>{cap}</kbd>
    </Fragment>
  ));
}

function capOf(chord: string): string {
  const isMac = /^(Mac|iP)/.test(navigator.platform);
  const [, held, key] = /^((?:\w+\+)*)(.+)$/.exec(chord)!;
  const name = NAMES[key!] ?? (held && key!.length === 1 ? key!.toUpperCase() : key!);
  return held!.replace("Mod+", isMac ? "⌘ " : "Ctrl ").replaceAll("+", " ") + name;
}
