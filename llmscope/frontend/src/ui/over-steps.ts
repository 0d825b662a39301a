import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { type Request, formatKey } from "../protocol/keys";
import type { Store } from "../store/store";

interface Found<T> {
  /** What came last; `null` before that. */
  answer: T | null;
  /** Whether that is of something else than is asked for, until its answer is there. */
  isOld: boolean;
  /** Why there is none, in words. */
  lacking: string | null;
}

/** How many steps are kept of the run on screen. */
export const useKept = ({ training }: Store): number =>
  useComputed(() => training?.steps.value.length ?? 0).value;

/** An answer over all kept steps of the training on screen, which grows with them. */
export function useOverSteps<T>(store: Store, request: Request | null): Found<T> {
  const last = useRef<{ key: string; answer: T } | null>(null);
  const kept = useKept(store);
  const key = request && formatKey(request);
  const lacking = request && store.lacks(request);
  const answer = request && !lacking ? store.lasting.watch<T>(request, kept).value : null;
  if (answer && key) last.current = { key, answer };
  if (!request || lacking) last.current = null;
  return { answer: last.current?.answer ?? null, isOld: last.current?.key !== key, lacking };
}
