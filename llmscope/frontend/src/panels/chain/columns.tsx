import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Side, Store } from "../../store/store";
import { Label } from "../../ui/label";
import { chain as words } from "#words/chain";
import { clampedFocus, keysOf, pinColumn, reveal } from "./focus";

interface Column {
  label: string;
  bar: ComponentChildren;
  /** Two numbers; each breaks before its power of ten alone. */
  numbers: readonly [string, string];
}

interface ColumnsProps {
  store: Store;
  side: Side;
  /** Of the rows: the bar, and the two numbers. */
  names: readonly [string, string, string];
  /** Of the bars. */
  kind?: string;
  columns: readonly Column[];
}

/** A column for each token: a bar, its label, and two numbers. */
export function Columns({ store, side, names, kind = "", columns }: ColumnsProps) {
  const box = useRef<HTMLDivElement>(null);
  const here = clampedFocus(store, side, columns.length);
  useEffect(() => {
    const found = box.current!.querySelector<HTMLElement>(".here");
    if (found) reveal(found, box.current!);
  }, [here, columns.length]);
  return (
    <div
      ref={box}
      class="columns-of-tokens figures"
      role="group"
      aria-label={words.tokens}
      tabIndex={0}
      onKeyDown={keysOf(store, side, columns.length)}
    >
      <div class="factor names" aria-hidden="true">
        <span class="height">{names[0]}</span>
        <span>{words.rows.token}</span>
        <span>{names[1]}</span>
        <span>{names[2]}</span>
      </div>
      {columns.map(({ label, bar, numbers }, index) => (
        <button
          key={index}
          type="button"
          tabIndex={-1}
          class={`factor ${index === here ? "here" : ""}`}
          onPointerEnter={() => side === "tokens" && (store.hovered.value = index)}
          onPointerLeave={() => side === "tokens" && (store.hovered.value = null)}
          onClick={() => pinColumn(store, side, index)}
        >
          <span class={`height ${kind}`}>{bar}</span>
          <span class="ellipsis">
            <Label text={label} />
          </span>
          {numbers.map((number, row) => (
            <span key={row}>{number.replace(" ", "\u00a0")}</span>
          ))}
        </button>
      ))}
    </div>
  );
}

/** The token whose column is looked at: under the mouse, or in focus. */
export function lookedAt(store: Store, side: Side, length: number): number {
  const hovered = side === "tokens" ? store.hovered.value : null;
  return Math.min(hovered ?? clampedFocus(store, side, length), length - 1);
}
