import { type ReadonlySignal, useSignal, useSignalEffect } from "@preact/signals";

/** The value of a signal, one frame late: what is dear to draw gives way to what is looked at. */
export function useDeferred<T>(source: ReadonlySignal<T>): T {
  const later = useSignal(source.peek());
  useSignalEffect(() => {
    const value = source.value;
    const frame = requestAnimationFrame(() => setTimeout(() => (later.value = value)));
    return () => cancelAnimationFrame(frame);
  });
  return later.value;
}
