import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import type { Point } from "../../protocol/lesson";
import type { Trace } from "../../protocol/answers";
import { attention } from "#words/attention";
import { nextToken } from "#words/next-token";

const RIM = 5; // pixels between what is pointed at and its ring
const AWAY = 8; // from the ring to its line
const EDGE = 6;
/** What no line covers: words, and what is open. */
const CLEAR = ".lesson-words, .lesson-title, .lesson-controls, .lesson-story, [data-clear]";

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

interface PointsProps {
  frame: RefObject<HTMLElement | null>;
  points: readonly Point[];
  trace: Trace | null;
}

/** Rings around what a slide points at, each with a short line that covers none of it. */
export function Points({ frame, points, trace }: PointsProps) {
  const rings = useSignal<(Box | null)[]>([]);
  const lines = useSignal<(Pick<Box, "left" | "top"> | null)[]>([]);
  const own = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const root = frame.current!;
    let waiting = 0;
    const look = () => {
      waiting = 0;
      const around = root.getBoundingClientRect();
      const found = points.map((point) => {
        const box = elementOf(root, point, trace)?.getBoundingClientRect();
        return box && box.width > 0 ? grown(box, around) : null;
      });
      if (JSON.stringify(found) !== JSON.stringify(rings.peek())) rings.value = found;
      const placed = placedLines(own.current, root, found);
      if (JSON.stringify(placed) !== JSON.stringify(lines.peek())) lines.value = placed;
    };
    const soon = () => (waiting ||= requestAnimationFrame(look));
    const changes = new MutationObserver(soon);
    changes.observe(root, {
      childList: true,
      subtree: true,
      attributes: true,
      characterData: true,
    });
    const sizes = new ResizeObserver(soon);
    sizes.observe(root);
    root.addEventListener("scroll", soon, { capture: true });
    soon();
    return () => {
      cancelAnimationFrame(waiting);
      changes.disconnect();
      sizes.disconnect();
      root.removeEventListener("scroll", soon, { capture: true });
    };
  }, [points, trace]);
  return (
    <div ref={own} class="lesson-points">
      {points.map(({ note }, index) => {
        const ring = rings.value[index];
        const line = lines.value[index];
        return (
          <div key={index} class={ring ? "" : "unseen"}>
            <i
              class="lesson-ring"
              style={
                ring
                  ? {
                      left: px(ring.left),
                      top: px(ring.top),
                      width: px(ring.width),
                      height: px(ring.height),
                    }
                  : undefined
              }
            />
            {note && (
              <p
                class="lesson-line"
                style={line ? { left: px(line.left), top: px(line.top) } : { visibility: "hidden" }}
              >
                {note}
              </p>
            )}
          </div>
        );
      })}
    </div>
  );
}

const grown = (box: DOMRect, around: DOMRect): Box => ({
  left: Math.round(box.left - around.left - RIM),
  top: Math.round(box.top - around.top - RIM),
  width: Math.round(box.width + 2 * RIM),
  height: Math.round(box.height + 2 * RIM),
});

/** What is pointed at, where it is on screen. */
function elementOf(root: HTMLElement, { kind, at }: Point, trace: Trace | null): Element | null {
  if (kind === "token") return tokenOf(root, Number(at[0]), at[1] === "target", trace);
  if (kind === "head" || kind === "cell") return root.querySelector(`.at-${at[0]}-${at[1]}`);
  if (kind === "box") return root.querySelector(`[data-box="${CSS.escape(String(at[0]))}"]`);
  if (kind === "next") {
    const rows = [...root.querySelectorAll(".bars > li:not(.rest)")];
    const plain = (row: Element) => row.querySelector(".name")!.textContent.replace(/[·\s]/g, "");
    return rows.find((row) => plain(row) === String(at[0]).replace(/\s/g, "")) ?? null;
  }
  const setting = String(at[0]).replace("_p", "-p").replace("_k", "-k");
  const name = { ...nextToken.settings, threshold: attention.threshold }[setting as "top-p"];
  const input = [...root.querySelectorAll("input")].find(({ ariaLabel }) => ariaLabel === name);
  return input?.closest("label") ?? input ?? null;
}

/** Pieces of the text hold one token or several, by the first of them. */
function tokenOf(root: HTMLElement, at: number, isTarget: boolean, trace: Trace | null) {
  const count = trace ? trace[isTarget ? "target" : "tokens"].length : 0;
  const index = at < 0 ? count + at : at;
  const fields = [...root.querySelectorAll(".tokens .field")];
  const own = trace?.target.length ? (isTarget ? fields.slice(-1) : fields.slice(0, -1)) : fields;
  return own
    .flatMap((field) => [...field.querySelectorAll<HTMLElement>("[data-token]")])
    .filter(({ dataset }) => Number(dataset.token) <= index)
    .reduce<HTMLElement | null>(
      (best, one) => (best && Number(best.dataset.token) >= Number(one.dataset.token) ? best : one),
      null,
    );
}

const meets = (one: Box, other: Box): boolean =>
  one.left < other.left + other.width &&
  other.left < one.left + one.width &&
  one.top < other.top + other.height &&
  other.top < one.top + one.height;

/** Where the line of each ring goes: below, above, beside; where it covers no ring and nothing open. */
function placedLines(own: HTMLElement | null, root: HTMLElement, rings: readonly (Box | null)[]) {
  const around = root.getBoundingClientRect();
  const taken: Box[] = rings.filter((ring) => ring !== null);
  for (const open of root.querySelectorAll(CLEAR))
    taken.push(grown(open.getBoundingClientRect(), around));
  return rings.map((ring, index) => {
    const line = own?.children[index]?.querySelector<HTMLElement>(".lesson-line");
    if (!ring || !line) return null;
    const [width, height] = [line.offsetWidth, line.offsetHeight];
    const middle = ring.left + ring.width / 2 - width / 2;
    const level = ring.top + ring.height / 2 - height / 2;
    const places = [
      { left: middle, top: ring.top + ring.height + AWAY },
      { left: middle, top: ring.top - AWAY - height },
      { left: ring.left + ring.width + AWAY, top: level },
      { left: ring.left - AWAY - width, top: level },
    ].map(({ left, top }) => ({
      left: Math.round(Math.max(EDGE, Math.min(left, around.width - width - EDGE))),
      top: Math.round(Math.max(EDGE, Math.min(top, around.height - height - EDGE))),
    }));
    const free = ({ left, top }: Pick<Box, "left" | "top">) =>
      !taken.some((box) => meets({ left, top, width, height }, box));
    const place = places.find(free) ?? places[0]!;
    taken.push({ ...place, width, height });
    return place;
  });
}
