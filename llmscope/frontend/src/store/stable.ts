import { type ReadonlySignal, computed } from "@preact/signals";

/** A computed value that stays the same object while it is equal, so that nothing follows from it. */
export function stable<T>(
  compute: () => T,
  isEqual: (one: T, other: T) => boolean,
): ReadonlySignal<T> {
  let last: { value: T } | null = null;
  return computed(() => {
    const value = compute();
    if (!last || !isEqual(last.value, value)) last = { value };
    return last.value;
  });
}
