import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Outcome, probOf } from "../../sampling/sampling";
import type { NextToken } from "../../store/state";
import type { Store } from "../../store/store";
import { count, rounded } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { Label } from "../../ui/label";
import { common } from "#words/common";
import { nextToken as words } from "#words/next-token";
import { fill } from "../../words/fill";
import type { Pin } from "./bars";

interface SearchProps {
  store: Store;
  next: NextToken;
  outcome: Outcome;
  onPin: (pin: Pin) => void;
}

/** Finds any token of the vocabulary, to pin it among the rows. */
export function Search({ store, next, outcome, onPin }: SearchProps) {
  const text = useSignal("");
  const found = useSignal<Pin[]>([]);
  const problem = useSignal("");
  const lacking = store.lacks({ type: "search", text: "" });
  useEffect(() => {
    const abort = new AbortController();
    found.value = [];
    problem.value = "";
    if (text.value) {
      store.vocabulary
        .search(text.value, abort.signal)
        .then(({ ids, labels }) => {
          found.value = ids.map((id, index) => ({ id, label: labels[index]! }));
          problem.value = ids.length === 0 ? words.notFound : "";
        })
        .catch((error: Error) => {
          if (!abort.signal.aborted) problem.value = error.message;
        });
    }
    return () => abort.abort();
  }, [text.value]);
  const pin = (token: Pin) => {
    onPin(token);
    text.value = "";
  };
  const keys = onKeys("search", {
    pin: () => (found.value[0] ? pin(found.value[0]) : false),
    empty: () => (text.value ? void (text.value = "") : false),
  });
  return (
    <div class="search extra">
      <input
        type="search"
        class="text-input"
        value={text.value}
        placeholder={words.find}
        disabled={lacking !== null}
        aria-label={words.findLabel}
        spellcheck={false}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onKeyDown={keys}
      />
      <span class="muted lines" aria-live="polite">
        {lacking ?? problem.value}
      </span>
      {found.value.length > 0 && (
        <span class="found">
          {found.value.map((token) => {
            const rank = next.sorted.rank[token.id]!;
            return (
              <button
                key={token.id}
                type="button"
                class="spread"
                title={fill(words.pinTitle, { id: token.id })}
                onClick={() => pin(token)}
              >
                <Label text={token.label} />
                <span class="figures muted">
                  {fill(common.rankShare, {
                    rank: count(rank + 1),
                    share: rounded(probOf(outcome, rank)),
                  })}
                </span>
              </button>
            );
          })}
        </span>
      )}
    </div>
  );
}
