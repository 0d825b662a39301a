import { type ReadonlySignal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

/** Pixels of the type that a notebook has. */
export const PLAIN = 14;

/** The size of type in pixels: larger on a stage. */
export const Em = createContext<ReadonlySignal<number>>(signal(PLAIN));

/** By how much what is drawn is larger than in a notebook. */
export const useScale = (): number => useContext(Em).value / PLAIN;
