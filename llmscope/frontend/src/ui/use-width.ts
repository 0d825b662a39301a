import type { RefObject } from "preact";
import { useSize } from "./use-size";

/** The width of an element in CSS pixels, 0 until it is known. */
export const useWidth = (ref: RefObject<HTMLElement | null>): number => useSize(ref).width;
