/**
 * A part of the page as SVG, for a paper: text stays text, and canvases that know how are lines
 * and cells again.
 */

import type { Ink } from "./color-scale";
import { drawField, isField } from "./fields";

/** Canvases that can be drawn as SVG, by what they do so with. */
const drawings = new WeakMap<HTMLCanvasElement, () => string>();

/** Says how the picture on a canvas is drawn as SVG, in CSS pixels. */
export function drawnBy(canvas: HTMLCanvasElement, draw: (() => string) | null): void {
  if (draw) drawings.set(canvas, draw);
  else drawings.delete(canvas);
}

export const filled = (
  x: number,
  y: number,
  width: number,
  height: number,
  ink: Ink,
  alpha: number,
): string =>
  `<rect ${place({ x, y, width, height })} fill="rgb(${ink.join()})" fill-opacity="${alpha.toFixed(3)}"/>`;

export interface Drawn {
  svg: string;
  size: [width: number, height: number];
}

/** How canvases are drawn: by those who know how, as lines and cells, or as they are on screen. */
let asLines = true;
/** Of letters that are clear, because a field over them has the same. */
let ink = "";

/**
 * Elements that only a hand needs are left out: those with `data-tool`.
 *
 * @param lines whether canvases become lines and cells, where they know how
 */
export function toSvg(root: HTMLElement, ground: string, lines = true): Drawn {
  const { left, top, width, height } = root.getBoundingClientRect();
  asLines = lines;
  ink = getComputedStyle(root).color;
  const parts = [...drawElement(root, -left, -top)];
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="100%" height="100%" fill="${ground}"/>`,
    ...parts,
    "</svg>",
  ].join("\n");
  return { svg, size: [width, height] };
}

function* drawElement(element: Element, x: number, y: number): Generator<string> {
  const style = getComputedStyle(element);
  if (style.display === "none" || style.visibility === "hidden") return;
  if ((element as HTMLElement).dataset?.tool !== undefined) return;
  const box = element.getBoundingClientRect();
  const clips = style.overflowX !== "visible" && style.overflowX !== "";
  const faint = Number(style.opacity) < 1 ? ` opacity="${style.opacity}"` : "";
  if (faint || clips) yield `<g${faint}${clips ? clipTo(box, x, y) : ""}>`;
  yield* drawBox(element, style, x, y);
  if (element instanceof HTMLCanvasElement) yield drawCanvas(element, box.left + x, box.top + y);
  else if (element instanceof SVGSVGElement) yield drawSvg(element, box.left + x, box.top + y);
  else if (isField(element)) {
    const inks = { ink: style.color, track: own(style, "--track"), fill: own(style, "--fill") };
    const at = new DOMRect(box.left + x, box.top + y, box.width, box.height);
    yield drawField(element, at, { font: font(style), ...inks });
  } else
    for (const child of [...element.childNodes].sort((a, b) => sticks(a) - sticks(b))) {
      if (child instanceof Text) yield* drawText(child, style, x, y);
      else if (child instanceof Element) yield* drawElement(child, x, y);
    }
  if (faint || clips) yield "</g>";
}

/** Sticky elements are drawn after their siblings, so that they are above them. */
const sticks = (node: Node): number =>
  Number(node instanceof Element && getComputedStyle(node).position === "sticky");

let clipPaths = 0;

function clipTo(box: DOMRect, x: number, y: number): string {
  const id = `clip${++clipPaths}`;
  const at = { x: box.left + x, y: box.top + y, width: box.width, height: box.height };
  return ` clip-path="url(#${id})"><clipPath id="${id}"><rect ${place(at)}/></clipPath`;
}

/** Ground, borders and frames of an element. */
function* drawBox(
  element: Element,
  style: CSSStyleDeclaration,
  x: number,
  y: number,
): Generator<string> {
  const radius = parseFloat(style.borderTopLeftRadius) || 0;
  const rounded = radius > 0 ? ` rx="${radius}"` : "";
  for (const box of element.getClientRects()) {
    const at = { x: box.left + x, y: box.top + y, width: box.width, height: box.height };
    if (!isClear(style.backgroundColor))
      yield `<rect ${place(at)}${rounded} ${paint("fill", style.backgroundColor)}/>`;
    const [, color, spread] =
      /^(rgba?\([^)]*\)|color\([^)]*\)) 0px 0px 0px ([\d.]+)px/.exec(style.boxShadow) ?? [];
    const wide = color ? Number(spread) : parseFloat(style.borderTopWidth) || 0;
    const stroke = color ?? style.borderTopColor;
    const all = color || (style.borderBottomStyle !== "none" && style.borderLeftStyle !== "none");
    if (wide > 0 && all && !isClear(stroke))
      yield `<rect ${place(inset(at, wide / 2))}${rounded} fill="none" ${paint("stroke", stroke)} stroke-width="${wide}"/>`;
    else
      for (const [side, edge] of [
        ["Top", at.y],
        ["Bottom", at.y + at.height],
      ] as const)
        if (style[`border${side}Style`] !== "none" && parseFloat(style[`border${side}Width`]) > 0)
          yield `<path d="M${round(at.x)} ${round(edge)}h${round(at.width)}" ${paint("stroke", style[`border${side}Color`])}/>`;
  }
}

function* drawText(
  node: Text,
  style: CSSStyleDeclaration,
  x: number,
  y: number,
): Generator<string> {
  const words = node.data.split(/(?<=\s)(?=\S)/u);
  const range = document.createRange();
  const lines: { text: string; box: DOMRect }[] = [];
  let from = 0;
  for (const word of words) {
    range.setStart(node, from);
    range.setEnd(node, from + word.trimEnd().length);
    from += word.length;
    const box = range.getBoundingClientRect();
    if (box.width === 0) continue;
    const line = lines.at(-1);
    if (line && Math.abs(line.box.top - box.top) < 2) {
      line.text += ` ${word.trimEnd()}`;
      line.box = new DOMRect(line.box.x, line.box.y, box.right - line.box.x, line.box.height);
    } else lines.push({ text: word.trimEnd(), box });
  }
  for (const { text, box } of lines) {
    const { ascent, descent } = metrics(style);
    const baseline = box.top + y + (box.height * ascent) / (ascent + descent);
    yield `<text x="${round(box.left + x)}" y="${round(baseline)}" textLength="${round(box.width)}" lengthAdjust="spacingAndGlyphs" ${font(style)} ${paint("fill", isClear(style.color) ? ink : style.color)}>${escaped(text)}</text>`;
  }
}

function drawCanvas(canvas: HTMLCanvasElement, x: number, y: number): string {
  const draw = drawings.get(canvas);
  if (draw && asLines) return `<g transform="translate(${round(x)} ${round(y)})">${draw()}</g>`;
  const { width, height } = canvas.getBoundingClientRect();
  if (canvas.width === 0 || width === 0) return "";
  return `<image ${place({ x, y, width, height })} href="${canvas.toDataURL()}"/>`;
}

function drawSvg(svg: SVGSVGElement, x: number, y: number): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const [own, copied] = [svg.querySelectorAll("*"), copy.querySelectorAll("*")];
  own.forEach((element, index) => {
    const style = getComputedStyle(element);
    const target = copied[index]!;
    target.removeAttribute("class");
    if (element.localName === "text")
      target.setAttribute(
        "style",
        `fill:${style.fill};font:${style.fontWeight} ${style.fontSize} ${style.fontFamily.replaceAll('"', "'")};text-anchor:${style.textAnchor};dominant-baseline:${style.dominantBaseline}`,
      );
    else
      target.setAttribute(
        "style",
        `fill:${style.fill};stroke:${style.stroke};stroke-width:${style.strokeWidth};stroke-dasharray:${style.strokeDasharray}`,
      );
  });
  const inner = [...copy.childNodes].map((node) => new XMLSerializer().serializeToString(node));
  return `<g transform="translate(${round(x)} ${round(y)})">${inner.join("")}</g>`;
}

const measure = new Map<string, { ascent: number; descent: number }>();

function metrics(style: CSSStyleDeclaration): { ascent: number; descent: number } {
  const key = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  const known = measure.get(key);
  if (known) return known;
  const context = new OffscreenCanvas(1, 1).getContext("2d")!;
  context.font = key;
  const { fontBoundingBoxAscent: ascent, fontBoundingBoxDescent: descent } =
    context.measureText("x");
  measure.set(key, { ascent, descent });
  return { ascent, descent };
}

interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

const round = (value: number): number => Math.round(value * 100) / 100;

const place = ({ x, y, width, height }: Place): string =>
  `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;

const inset = ({ x, y, width, height }: Place, by: number): Place => ({
  x: x + by,
  y: y + by,
  width: Math.max(0, width - 2 * by),
  height: Math.max(0, height - 2 * by),
});

const own = (style: CSSStyleDeclaration, name: string): string =>
  style.getPropertyValue(name).trim();

const isClear = (color: string): boolean =>
  color === "transparent" || /(^rgba.*,|\/)\s*0\)$/.test(color);

/** A colour as an SVG attribute: programs for drawing don't know `rgb(… / …)`. */
export function paint(name: "fill" | "stroke", color: string): string {
  const [red = 0, green = 0, blue = 0, alpha = 1] = color.match(/[\d.]+/g)?.map(Number) ?? [];
  // A mixed colour comes in parts of 1.
  const whole = color.startsWith("color(") ? 255 : 1;
  const [r, g, b] = [red, green, blue].map((part) => Math.round(part * whole));
  const opacity = alpha < 1 ? ` ${name}-opacity="${alpha}"` : "";
  return `${name}="rgb(${r},${g},${b})"${opacity}`;
}

const font = (style: CSSStyleDeclaration): string =>
  `font-family="${style.fontFamily.replaceAll('"', "'")}" font-size="${style.fontSize}" font-weight="${style.fontWeight}" xml:space="preserve"`;

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
