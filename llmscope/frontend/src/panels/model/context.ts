import type { Signal } from "@preact/signals";
import { createContext } from "preact";
import type { Point } from "../../protocol/model";
import type { Place } from "../../store/model";
import type { Store } from "../../store/store";

/** What is under the mouse, or has the focus: the line below the picture tells of it. */
export type Told =
  | { what: "box"; place: Place; head?: number | undefined }
  | { what: "vector"; name: string; point: Point; index: Signal<number | null> }
  | { what: "block"; layer: number };

/** What all parts of the picture need. */
export interface Picture {
  store: Store;
  told: Signal<Told | null>;
}

export const PictureContext = createContext<Picture>(null!);
