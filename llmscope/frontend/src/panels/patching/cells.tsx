import { useEffect, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import type { PatchingCell } from "../../store/patching";
import type { Store } from "../../store/store";
import { useScale } from "../../ui/em";
import { onKeys } from "../../ui/keys";
import { Label, plain } from "../../ui/label";
import { clamp } from "../../ui/scale";
import { useSize } from "../../ui/use-size";
import { patching as words } from "#words/patching";
import { fill } from "../../words/fill";

const LEFT = 44; // pixels, for the numbers of layers
const WIDE = { least: 26, most: 76, lying: 54 }; // of a column; from `lying` on its tokens are written across
const HIGH = { least: 5, usual: 16, most: 26 }; // of a row
const TOKENS = { lying: 40, standing: 84 }; // height of the tokens above

/** Layers by positions, the last layer on top, as in the logit lens. */
export function Cells({ store }: { store: Store }) {
  const box = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(box);
  const scale = useScale();
  const { patching } = store.whatIf;
  const { layers, positions, own, tokens } = patching.shown.value!;
  const [focus, position] = patching.focus.value;
  const left = LEFT * scale;
  const column = clamp(
    Math.floor((width - left) / positions),
    WIDE.least * scale,
    WIDE.most * scale,
  );
  const isLying = column >= WIDE.lying * scale;
  const top = (isLying ? TOKENS.lying : TOKENS.standing) * scale;
  // On a stage the height is given, elsewhere it follows.
  const room = scale > 1 ? Math.floor((height - top) / layers) - 1 : HIGH.usual;
  const row = clamp(room, HIGH.least * scale, HIGH.most * scale);
  useEffect(() => {
    const element = box.current!;
    const x = position * (column + 1);
    const right = x + left + column - element.clientWidth;
    element.scrollLeft = clamp(element.scrollLeft, right, x);
  }, [position, column]);

  const cellAt = ({ target }: Event): PatchingCell | null => {
    const at = (target as Element).closest<HTMLElement>("td")?.dataset.cell;
    return at ? (at.split(".").map(Number) as unknown as PatchingCell) : null;
  };
  const keys = onKeys("patching", {
    move({ down, right }) {
      patching.hovered.value = null;
      patching.pick([
        clamp(focus - down, 0, layers - 1),
        clamp(position + right, 0, positions - 1),
      ]);
    },
    take: () => patching.toggle(patching.focus.peek()),
  });
  const every = row >= 15 * scale ? 1 : 5; // numbers of layers
  return (
    <div
      ref={box}
      class={`cells-of-patching ${isLying ? "lying" : ""}`}
      role="application"
      tabIndex={0}
      aria-label={fill(words.grid, { cell: nameOf(store, patching.focus.value) })}
      onKeyDown={keys}
      onPointerOver={(event) => (patching.hovered.value = cellAt(event))}
      onPointerLeave={() => (patching.hovered.value = null)}
      onClick={(event) => {
        const cell = cellAt(event);
        if (!cell) return;
        patching.pick(cell);
        patching.toggle(cell);
      }}
    >
      <table class="figures" style={{ width: px(left + positions * (column + 1)) }}>
        <thead>
          <tr style={{ height: px(top) }}>
            <th style={{ width: px(left) }}>{words.layer}</th>
            {own.map((label, at) => (
              <th key={at} style={{ width: px(column + 1) }}>
                <span class="pair">
                  <Label text={label} />
                  {tokens[at] !== label && (
                    <span class="other">
                      <Label text={tokens[at] ?? ""} />
                    </span>
                  )}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: layers }, (_, down) => layers - 1 - down).map((layer) => (
            <tr key={layer} style={{ height: px(row + 1) }}>
              <th class={layer === focus ? "here" : ""}>
                {layer === focus || layer % every === 0 ? layer : ""}
              </th>
              {own.map((_, at) => (
                <td
                  key={at}
                  data-cell={`${layer}.${at}`}
                  class={classOf(store, [layer, at])}
                  style={styleOf(patching.share([layer, at]))}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function classOf({ whatIf: { patching } }: Store, cell: PatchingCell): string {
  const [layer, position] = patching.focus.value;
  const share = patching.share(cell);
  return [
    share === undefined ? "unknown" : share < 0 ? "below" : "",
    patching.isPatched(cell) && "patched",
    layer === cell[0] && position === cell[1] && "focus",
  ]
    .filter(Boolean)
    .join(" ");
}

/** Beyond either end a cell is as dark as at it. */
const styleOf = (share: number | undefined) =>
  share === undefined ? {} : { "--share": Math.min(1, Math.abs(share)).toFixed(3) };

/** A cell in words, with the tokens of both texts where they differ. */
export function nameOf(store: Store, [layer, at]: readonly [number, number]): string {
  const { own, tokens } = store.whatIf.patching.shown.value!;
  const [token, other] = [plain(own[at] ?? ""), plain(tokens[at] ?? "")];
  return token === other
    ? fill(words.cell, { layer, at, token })
    : fill(words.cellOther, { layer, at, token, other });
}
