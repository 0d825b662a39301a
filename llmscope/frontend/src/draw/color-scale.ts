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
