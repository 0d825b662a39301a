import type { Store } from "../../store/store";
import { Changes } from "./changes";
import { ShadeBy } from "./effect";
import { SecondText, SecondTextButton } from "./second-text";
import { Sides } from "./sides";
import { Steer, SteerButton } from "./steer";

/** The line of what is changed and shown of it, or that a second text or steering is typed into. */
export function WhatIf({ store }: { store: Store }) {
  const { source, steering } = store.whatIf;
  return (
    <div class="what-if">
      {source.draft.value !== null ? (
        <SecondText store={store} />
      ) : steering.draft.value !== null ? (
        <Steer store={store} />
      ) : (
        <>
          <Changes store={store} />
          <Sides store={store} />
          <ShadeBy store={store} />
          <span class="openers">
            <SecondTextButton store={store} />
            <SteerButton store={store} />
          </span>
        </>
      )}
    </div>
  );
}
