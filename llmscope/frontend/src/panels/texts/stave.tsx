import { type Signal, useSignal } from "@preact/signals";
import { useContext, useEffect, useMemo, useRef } from "preact/hooks";
import { rgb } from "../../draw/color-scale";
import { INK, ThemeContext } from "../../host/colors";
import type { Alignment } from "../../store/alignment";
import type { Store } from "../../store/store";
import { onKeys } from "../../ui/keys";
import { compare as words } from "#words/compare";
import { type Row, rowsOf } from "../../ui/beats";

type SideName = "a" | "b";
const BOTH = ["a", "b"] as const;
const SCALE = 4; // bits that are the darkest shade, unless a row is farther apart
const FULL = 0.6; // of a colour, that the text is read on

/** A token of a side. */
interface Place {
  side: SideName;
  token: number;
}

interface StaveProps {
  store: Store;
  alignment: Alignment;
  /** The row that is read out. */
  looked: Signal<number | null>;
}

/** Both texts, one above the other, in lines of two: what corresponds is in one column. */
export function Stave({ store, alignment, looked }: StaveProps) {
  const box = useRef<HTMLDivElement>(null);
  const dragged = useRef<Place | null>(null);
  const line = useSignal<SideName>("a");
  const theme = useContext(ThemeContext).value;
  const comparing = store.comparing!;
  const rows = useMemo(() => rowsOf(alignment), [alignment]);
  const most = Math.max(SCALE, ...rows.map(({ change }) => (change ? Math.abs(change) : 0)));
  const focus = { a: comparing.focusOf("a"), b: comparing.focusOf("b") };
  const held = comparing.held.value;
  const here = rows.findIndex((row) => BOTH.some((side) => has(row, side, focus[side])));
  useEffect(() => {
    const found = box.current!.querySelector<HTMLElement>(".here");
    if (found) reveal(found, box.current!);
  }, [here, alignment]);
  const ink = (change: number): string | undefined => {
    if (!change) return undefined;
    const share = Math.sqrt(Math.abs(change) / most);
    return rgb(INK[theme][change > 0 ? "more" : "less"], FULL * share);
  };
  const placeAt = (event: Event): Place | null => {
    const found = (event.target as Element).closest<HTMLElement>("[data-token]");
    return found && { side: found.dataset.side as SideName, token: Number(found.dataset.token) };
  };
  const walk = (step: number): void => {
    const side = line.peek();
    const from = here < 0 ? rows.length - 1 : here;
    for (let at = from + step; at >= 0 && at < rows.length; at += step) {
      const half = rows[at]![side];
      if (!half) continue;
      looked.value = at;
      return comparing.pin(side, half.end - 1);
    }
  };
  const keys = onKeys("texts", {
    walk: ({ right }) => walk(right),
    line: ({ down }) => void (line.value = down < 0 ? "a" : "b"),
    hold() {
      const at = focus[line.peek()];
      if (at === null || !store.state.editable.peek()) return false;
      comparing.hold(line.peek(), at);
    },
    drop() {
      if (!comparing.held.peek()) return false;
      comparing.held.value = null;
    },
  });
  return (
    <div
      ref={box}
      class={`stave scrolls ${comparing.isAligned.value ? "" : "old"}`}
      role="application"
      tabIndex={0}
      aria-label={words.stave}
      onKeyDown={keys}
      onPointerOver={(event) => {
        const column = (event.target as Element).closest<HTMLElement>("[data-row]");
        looked.value = column ? Number(column.dataset.row) : null;
      }}
      onPointerLeave={() => (looked.value = null)}
      onPointerDown={(event) => (dragged.current = placeAt(event))}
      onPointerUp={(event) => {
        const [from, to] = [dragged.current, placeAt(event)];
        dragged.current = null;
        if (!from || !to) return;
        if (from.side === to.side) {
          if (from.token === to.token) comparing.pin(to.side, to.token);
          line.value = to.side;
        } else if (store.state.editable.peek()) {
          comparing.align(from.side === "a" ? [from.token, to.token] : [to.token, from.token]);
        }
      }}
    >
      {rows.map((row, index) => (
        <span
          key={index}
          class={["beat", kindOf(row), BOTH.some((side) => row[side]?.isApart) && "apart"]
            .filter(Boolean)
            .join(" ")}
          data-row={index}
          style={{ background: ink(row.change) }}
        >
          {BOTH.map((side) => {
            const half = row[side];
            const token = half ? half.end - 1 : undefined;
            const names = [
              "note-of",
              !half && "rest",
              has(row, side, focus[side]) && "here",
              has(row, side, focus[side]) && line.value === side && "line",
              held?.side === side && has(row, side, held.token) && "held",
            ];
            return (
              <span
                key={side}
                class={names.filter(Boolean).join(" ")}
                {...(half && { "data-side": side, "data-token": token })}
              >
                {half?.text ?? "·"}
              </span>
            );
          })}
        </span>
      ))}
    </div>
  );
}

/** What a column is told by, besides its colour. */
const kindOf = ({ a, b, isSame }: Row): string => (!a || !b ? "alone" : isSame ? "" : "other");

function has(row: Row, side: SideName, token: number | null): boolean {
  const half = row[side];
  return half !== null && token !== null && half.first <= token && token < half.end;
}

/** Scrolls the stave so that a column is in sight; the page itself stays. */
function reveal(element: HTMLElement, box: HTMLElement): void {
  const [inner, outer] = [element, box].map((one) => one.getBoundingClientRect());
  const above = inner!.top - outer!.top;
  const below = inner!.bottom - outer!.bottom;
  if (above < 0) box.scrollTop += above - inner!.height;
  else if (below > 0) box.scrollTop += below + inner!.height;
}
