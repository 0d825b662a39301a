import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { probOf } from "../../sampling/sampling";
import type { GenerationStore } from "../../store/generation";
import type { Store } from "../../store/store";
import { count, rounded } from "../../ui/format";
import { Label } from "../../ui/label";
import { common } from "#words/common";
import { generation as words } from "#words/generation";
import { fill } from "../../words/fill";

const ROWS = 5;

interface AlternativesProps {
  store: Store;
  generation: GenerationStore;
  /** What holds the tokens. */
  page: RefObject<HTMLElement | null>;
}

/** At the token that is looked at, what could stand there: where the list of next tokens is out of sight. */
export function Alternatives({ store, generation, page }: AlternativesProps) {
  const box = useRef<HTMLDivElement>(null);
  const at = generation.hovered.value ?? generation.selected.value;
  const node = at === null ? undefined : generation.node(at);
  const isShown = node !== undefined && !store.answersInSight.value;
  useEffect(() => {
    const element = box.current!;
    if (!isShown || !element.showPopover) return;
    const place = () => {
      const token = page.current!.querySelector(`[data-node="${at}"]`)?.getBoundingClientRect();
      if (!token) return;
      const { offsetWidth, offsetHeight, style } = element;
      const below = token.bottom + offsetHeight < innerHeight;
      style.left = `${Math.max(0, Math.min(token.left, innerWidth - offsetWidth))}px`;
      style.top = `${below ? token.bottom : token.top - offsetHeight}px`;
    };
    element.showPopover();
    place();
    addEventListener("scroll", place, { capture: true, passive: true });
    return () => {
      removeEventListener("scroll", place, { capture: true });
      element.hidePopover();
    };
  }, [isShown, at]);
  const next = store.next.value;
  const outcome = store.outcome.value;
  const depth = (generation.prompt.value?.length ?? 0) + (node?.depth ?? 0) - 2;
  const isThere = isShown && next?.position === depth && outcome;
  const known = isThere ? next.known : 0;
  const own = isThere ? (next.sorted.rank[node.token] ?? known) : 0;
  const ranks = Array.from({ length: ROWS }, (_, rank) => rank);
  return (
    <div
      ref={box}
      class="alternatives"
      popover="manual"
      role="group"
      aria-label={words.alternatives}
    >
      {(own < ROWS || own >= known ? ranks : [...ranks, own]).map((rank) => (
        <button
          key={rank}
          type="button"
          class={`spread ${isThere && rank === own ? "own" : ""}`}
          disabled={!store.input.canChoose.value}
          title={rank === own ? words.own : words.goOn}
          onClick={() => {
            page.current!.focus({ preventScroll: true }); // It goes away itself.
            store.input.choose(rank);
          }}
        >
          {isThere ? (
            <>
              <Label text={rank === own ? node.label : (next.labels[rank] ?? "")} />
              <span class="figures">{figuresOf(rank, rounded(probOf(outcome, rank)))}</span>
            </>
          ) : (
            "\u00a0"
          )}
        </button>
      ))}
    </div>
  );
}

/** Below the likeliest a rank says where. */
const figuresOf = (rank: number, share: string): string =>
  rank < ROWS ? share : fill(common.rankShare, { rank: count(rank + 1), share });
