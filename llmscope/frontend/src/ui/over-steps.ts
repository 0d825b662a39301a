import { useComputed } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { type Request, formatKey } from "../protocol/keys";
import type { HeadsAnswer } from "../protocol/over-steps";
import type { Kind } from "../protocol/shared";
import type { Store } from "../store/store";
import { HeadScores } from "./habits";

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

/** The heads of the probe on screen, and what they do at all kept steps. */
export function useHeads(store: Store) {
  const { training, attention } = store;
  const kept = useKept(store);
  const [run, probe] = [training?.run.value ?? 0, training?.probe.value ?? 0];
  const { kinds = {}, layers: numbers = {} } = training?.probes.value[probe] ?? {};
  const wanted = attention.kind.value;
  const kind = wanted in kinds ? wanted : (Object.keys(kinds)[0] as Kind | undefined);
  const layers = (kind && numbers[kind]) ?? NONE;
  const heads = (kind && kinds[kind]?.[1]) ?? 0;
  const found = useOverSteps<HeadsAnswer>(
    store,
    kind && kept > 0 ? { type: "training_heads", run, probe, kind } : null,
  );
  const all = layers.join();
  const scores = useMemo(
    () => found.answer && new HeadScores(found.answer, layers),
    [found.answer, all],
  );
  return { ...found, kept, run, probe, kind, layers, heads, scores };
}

const NONE: readonly number[] = [];
