/** Steering as it is typed: from one short text to another, behind the layer in focus. */

import { signal } from "@preact/signals";
import type { Edit } from "../protocol/edits";
import type { Kind } from "../protocol/shared";

export class Steering {
  /** The two texts, while somebody types them. */
  readonly draft = signal<{ from: string; to: string } | null>(null);
  #before = { from: "", to: "" };

  open(): void {
    this.draft.value ??= this.#before;
  }

  type(texts: { from?: string; to?: string }): void {
    this.draft.value = { ...(this.draft.peek() ?? this.#before), ...texts };
  }

  leave(): void {
    this.#before = this.draft.peek() ?? this.#before;
    this.draft.value = null;
  }

  /** The edit that is typed; `null` while one of the texts is empty. */
  edit(layer: number, kind: Kind): Edit | null {
    const { from, to } = this.draft.value ?? this.#before;
    if (!from || !to) return null;
    const side = kind === "encoder" ? "encoder" : "self";
    const part = ["layer", layer, null, side] as const;
    return { do: "steer", part, direction: [to, from], scale: 1, align: "last" };
  }
}
