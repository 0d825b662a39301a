import { type Signal, useSignal } from "@preact/signals";
import { Fragment } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import { count, plural } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { Label, plain } from "../../ui/label";
import { clamp } from "../../ui/scale";
import { useSize } from "../../ui/use-size";
import { tokenizers as words } from "#words/tokenizers";
import { fill } from "../../words/fill";
import { type Row, type Span, type TokenizersAnswer, columnOf, spansOf } from "./answer";

/** A piece of the text: of which row, and which of its pieces. */
type Place = readonly [row: number, piece: number];

interface PiecesProps {
  answer: TokenizersAnswer;
  isCode: boolean;
}

/** The text in lines like a score: a voice for each tokenizer, and gaps where all cut. */
export function Pieces({ answer, isCode }: PiecesProps) {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const lines = useSignal<number[][]>([]);
  const hovered = useSignal<Place | null>(null);
  const chosen = useSignal<Place | null>(null);
  const rows = useMemo(() => answer.rows.filter(({ counts }) => counts), [answer]);
  const spans = useMemo(() => spansOf(answer), [answer]);
  useEffect(() => void (hovered.value = chosen.value = null), [answer]);
  // Which columns begin a line is known once they are laid out.
  useLayoutEffect(() => {
    if (!box.current) return; // There is no text.
    const columns = box.current.querySelectorAll<HTMLElement>(".column");
    const found = new Map<number, number[]>();
    for (const column of columns)
      if (!found.has(column.offsetTop))
        found.set(
          column.offsetTop,
          [...column.children].map((voice) => (voice as HTMLElement).offsetTop),
        );
    if ([...found.values()].join() !== lines.peek().join()) lines.value = [...found.values()];
  }, [answer, width]);
  const keys = onKeys("tokenizers", {
    move({ down, right }) {
      const [row, piece] = chosen.peek() ?? [0, -1];
      const to = clamp(row + down, 0, rows.length - 1);
      const here = down ? spans[columnOf(spans, row, Math.max(piece, 0))]![to]![0] : piece + right;
      const last = rows[to]!.labels!.length - 1;
      chosen.value = [to, clamp(here, 0, last)];
      reveal(box.current!, chosen.value);
    },
  });
  if (rows.length === 0 || spans.length === 0) return <p class="muted empty">{words.empty}</p>;
  return (
    <>
      <div
        ref={box}
        class={`score scrolls ${isCode ? "code" : ""}`}
        role="application"
        aria-label={words.pieces}
        tabIndex={0}
        onKeyDown={keys}
        onPointerLeave={() => (hovered.value = null)}
      >
        {lines.value.map((tops) =>
          tops.map((top, row) => (
            <span
              key={top}
              class="name ellipsis"
              style={{ top: px(top) }}
              title={rows[row]?.name}
              aria-hidden="true"
            >
              {rows[row]?.name}
            </span>
          )),
        )}
        {spans.map((column, index) => (
          <Column key={index} rows={rows} column={column} hovered={hovered} chosen={chosen} />
        ))}
      </div>
      <Reading rows={rows} place={hovered.value ?? chosen.value} />
      {answer.left_out > 0 && <p class="note">{plural(answer.left_out, words.leftOut)}</p>}
    </>
  );
}

interface ColumnProps {
  rows: readonly Row[];
  column: readonly Span[];
  hovered: Signal<Place | null>;
  chosen: Signal<Place | null>;
}

/** A part of the text that all tokenizers cut at both ends. */
function Column({ rows, column, hovered, chosen }: ColumnProps) {
  const endsLine = column.some(([first, end], row) =>
    rows[row]!.labels!.slice(first, end).some((label) => label.includes("↵")),
  );
  const isUnknown = (row: number, piece: number) => rows[row]!.unknown!.includes(piece);
  const isHere = (row: number, piece: number) =>
    chosen.value?.[0] === row && chosen.value[1] === piece;
  return (
    <Fragment>
      <div class="column">
        {column.map(([first, end], row) => (
          <div key={row} class="voice">
            {rows[row]!.labels!.slice(first, end).map((label, at) => (
              <span
                key={at}
                class={`piece ${isHere(row, first + at) ? "here" : ""} ${(first + at) % 2 ? "odd" : ""} ${isUnknown(row, first + at) ? "unknown" : ""}`}
                data-place={`${row}.${first + at}`}
                onPointerEnter={() => (hovered.value = [row, first + at])}
                onClick={() => (chosen.value = isHere(row, first + at) ? null : [row, first + at])}
              >
                <Label text={label} />
              </span>
            ))}
          </div>
        ))}
      </div>
      {endsLine && <div class="line-end" />}
    </Fragment>
  );
}

/** The piece that is pointed at, in a sentence. */
function Reading({ rows, place }: { rows: readonly Row[]; place: Place | null }) {
  const [row, piece] = place ?? [0, 0];
  const label = place && rows[row]?.labels?.[piece];
  return (
    <p class="caption figures lines" role="status">
      {label == null
        ? words.pieceOutside
        : fill(rows[row]!.unknown!.includes(piece) ? words.unknownPiece : words.piece, {
            name: rows[row]!.name,
            place: count(piece + 1),
            pieces: count(rows[row]!.tokens!),
            label: plain(label),
            id: rows[row]!.ids![piece]!,
          })}
    </p>
  );
}

/** Scrolls a long text so that a piece is in sight. */
function reveal(box: HTMLElement, [row, piece]: Place): void {
  const found = box.querySelector<HTMLElement>(`[data-place="${row}.${piece}"]`);
  if (!found) return;
  const [inner, outer] = [found.getBoundingClientRect(), box.getBoundingClientRect()];
  if (inner.top < outer.top) box.scrollTop += inner.top - outer.top;
  else if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom;
}
