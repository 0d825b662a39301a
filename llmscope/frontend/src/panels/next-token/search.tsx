import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Outcome, probOf } from "../../sampling/sampling";
import type { NextToken } from "../../store/state";
import type { Store } from "../../store/store";
import { count, percent } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { Label } from "../../ui/label";
import type { Pin } from "./bars";

interface SearchProps {
  store: Store;
  next: NextToken;
  outcome: Outcome;
  onPin: (pin: Pin) => void;
}

/** Finds any token of the vocabulary, to pin it among the rows. */
export function Search({ store, next, outcome, onPin }: SearchProps) {
  const words = useSignal("");
  const found = useSignal<Pin[]>([]);
  const problem = useSignal("");
  const lacking = store.lacks({ type: "search", text: "" });
  useEffect(() => {
    const abort = new AbortController();
    found.value = [];
    problem.value = "";
    if (words.value) {
      store
        .search(words.value, abort.signal)
        .then(({ ids, labels }) => {
          found.value = ids.map((id, index) => ({ id, label: labels[index]! }));
          problem.value = ids.length === 0 ? "no such token" : "";
        })
        .catch((error: Error) => {
          if (!abort.signal.aborted) problem.value = error.message;
        });
    }
    return () => abort.abort();
  }, [words.value]);
  const pin = (token: Pin) => {
    onPin(token);
    words.value = "";
  };
  const keys = onKeys("search", {
    pin: () => (found.value[0] ? pin(found.value[0]) : false),
    empty: () => (words.value ? void (words.value = "") : false),
  });
  return (
    <div class="search extra">
      <input
        type="search"
        class="text-input"
        value={words.value}
        placeholder="Find a token…"
        disabled={lacking !== null}
        aria-label="Find a token of the vocabulary"
        spellcheck={false}
        onInput={(event) => (words.value = event.currentTarget.value)}
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
                title={`Pin token ${token.id}`}
                onClick={() => pin(token)}
              >
                <Label text={token.label} />
                <span class="figures muted">
                  rank {count(rank + 1)} · {percent(probOf(outcome, rank))}
                </span>
              </button>
            );
          })}
        </span>
      )}
    </div>
  );
}
