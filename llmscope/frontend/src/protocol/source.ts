/** A view asks a source for named arrays and never knows who answers. */

import type { ReadonlySignal } from "@preact/signals";

/** JSON values and arrays by name. */
export type Part = Record<string, unknown>;

export interface AskOptions {
  signal?: AbortSignal;
  /** Called with each part before the last one. */
  onPart?: (part: Part) => void;
}

export interface Source {
  /**
   * Resolves with the last part of the answer to a key of `keys.ts`; rejects with `SourceError`, or
   * when aborted.
   */
  ask<T = Part>(key: string, options?: AskOptions): Promise<T>;
  /** Why a key can't be answered, in words, where that is known before asking. */
  lacks(key: string): string | null;
  /** Whether the answer to a key is here, and stays, whether or not anybody else answers. */
  holds?(key: string): boolean;
  /** Whether nobody answers any more, for good; where that can happen. */
  readonly isGone?: ReadonlySignal<boolean>;
  close(): void;
}

export class SourceError extends Error {
  constructor(
    message: string,
    readonly kind: string,
    /** Seconds after which asking again is of use; `null` where it isn't. */
    readonly again: number | null = null,
  ) {
    super(message);
    this.name = "SourceError";
  }
}

/** Whether there is no kernel any more: its answers stay, for the page to work with. */
export const isGone = (error: unknown): boolean =>
  error instanceof SourceError && error.kind === "gone";
