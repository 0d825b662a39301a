import { type ColorScale, DECADES } from "../protocol/shared";

/** Red, green, blue. */
export type Ink = readonly [number, number, number];

/** How opaque a weight is drawn; 0 and 1 stay what they are. */
export function opacity(weight: number, scale: ColorScale): number {
  const share = Math.min(1, Math.abs(weight));
  if (scale === "linear") return share;
  if (scale === "sqrt") return Math.sqrt(share);
  return share === 0 ? 0 : Math.max(0, 1 + Math.log10(share) / DECADES);
}

/** The weight that is drawn so opaque. */
export function weightAt(opaque: number, scale: ColorScale): number {
  if (scale === "linear") return opaque;
  if (scale === "sqrt") return opaque * opaque;
  return opaque === 0 ? 0 : 10 ** ((opaque - 1) * DECADES);
}

export const rgb = ([r, g, b]: Ink, alpha = 1): string => `rgb(${r} ${g} ${b} / ${alpha})`;

/** A colour between two: 0 is the first, 1 the second. */
export const mixed = (one: Ink, other: Ink, share: number): Ink =>
  one.map((part, at) => Math.round(part + (other[at]! - part) * share)) as unknown as Ink;

/** How much light a colour gives (WCAG's relative luminance), from 0 to 1. */
export function luminance(ink: Ink): number {
  const [r, g, b] = ink.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** WCAG's contrast of two colours, from 1 to 21. */
export function contrast(one: Ink, other: Ink): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const [BLACK, WHITE]: Ink[] = [
  [0, 0, 0],
  [255, 255, 255],
];

/** Black or white: what is read better on a colour. */
export const legibleOn = (ink: Ink): Ink =>
  contrast(ink, BLACK!) > contrast(ink, WHITE!) ? BLACK! : WHITE!;
