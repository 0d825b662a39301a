import { batch } from "@preact/signals";
import type { Side, Store } from "../../store/store";
import { sharing } from "../../store/text-input";

/** Pins a token, or lets go of the one that is pinned: a finger has no key for that. */
export function tap(store: Store, token: number, side: Side): void {
  const { attention, state, trace } = store;
  const here = store.here(side);
  const isPinned = state.position.value >= 0 && here >= 0;
  if (!isPinned || !sharing(trace.value![side], token).includes(here))
    return store.pin(token, side);
  batch(() => {
    attention.cell.value = null;
    state.direction.value = "from";
    state.position.value = -1;
  });
}
