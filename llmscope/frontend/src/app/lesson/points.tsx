import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import type { Point } from "../../protocol/lesson";
import type { Trace } from "../../protocol/answers";
import { attention } from "#words/attention";
import { lesson as words } from "#words/lesson";
import { nextToken } from "#words/next-token";
import { fill } from "../../words/fill";
import { type Box, placedLines, ringAround } from "./places";

interface PointsProps {
  frame: RefObject<HTMLElement | null>;
  points: readonly Point[];
  trace: Trace | null;
  /** Whether all that the slide shows is there, so that what isn't in sight will not come. */
  isDone: boolean;
}

/** Rings around what a slide points at, each with a short line; what isn't in sight is said. */
export function Points({ frame, points, trace, isDone }: PointsProps) {
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
        const element = elementOf(root, point, trace);
        return element && ringAround(element, around);
      });
      if (JSON.stringify(found) !== JSON.stringify(rings.peek())) rings.value = found;
      const said = [...own.current!.children].map((one) => one.querySelector("p"));
      const placed = placedLines(root, found, said);
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
      {points.map((point, index) => {
        const ring = rings.value[index];
        const isMissing = !ring && isDone;
        const line = lines.value[index];
        const at = line ? { left: px(line.left), top: px(line.top) } : { visibility: "hidden" };
        return (
          <div key={index} class={ring || isMissing ? "" : "unseen"}>
            {ring && (
              <i
                class="lesson-ring"
                style={{
                  left: px(ring.left),
                  top: px(ring.top),
                  width: px(ring.width),
                  height: px(ring.height),
                }}
              />
            )}
            {(point.note || isMissing) && (
              <p class="lesson-line" style={at}>
                {point.note}{" "}
                {isMissing && <small>{fill(words.unseen, { what: nameOf(point) })}</small>}
              </p>
            )}
          </div>
        );
      })}
    </div>
  );
}

const nameOf = ({ kind, at }: Point): string =>
  fill(words.points[kind], { at: at.join(kind === "head" ? "·" : " ") });

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
  const input = sliderOf(root, String(at[0]));
  return input?.closest("label") ?? input ?? null;
}

/** The slider of a trait. */
export function sliderOf(root: HTMLElement, trait: string): HTMLInputElement | null {
  const setting = trait.replace("_p", "-p").replace("_k", "-k");
  const name = { ...nextToken.settings, threshold: attention.threshold }[setting as "top-p"];
  return [...root.querySelectorAll("input")].find(({ ariaLabel }) => ariaLabel === name) ?? null;
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
