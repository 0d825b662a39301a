/** What the parts of the store have in common. */

import type { ReadonlySignal, Signal } from "@preact/signals";
import type { Facts, Trace } from "../protocol/answers";
import type { Request } from "../protocol/keys";
import type { AskOptions } from "../protocol/source";
import type { RequestCache } from "./request-cache";
import type { NextToken, State } from "./state";

export interface Core {
  state: { [K in keyof State]: Signal<State[K]> };
  model: ReadonlySignal<Facts | null>;
  trace: ReadonlySignal<Trace | null>;
  next: Signal<NextToken | null>;
  /** The position in focus, on whichever side. */
  focus: ReadonlySignal<number>;
  /** Whether anybody sees the widget: nothing is asked for while nobody does. */
  isSeen: ReadonlySignal<boolean>;
  ask<T>(request: Request, options?: AskOptions): Promise<T>;
  /** Whether nobody answers any more: what is there stays. */
  isGone: ReadonlySignal<boolean>;
  /** Answers about the trace on screen. */
  cache(): RequestCache;
  /** Why a request can't be answered, in words; `null` where it can. */
  lacks(request: Request): string | null;
  /** Says what went wrong; `null` when that is over. */
  report(error: unknown): void;
}
