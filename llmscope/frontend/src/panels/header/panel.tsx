import { count, plural, significant, tokenWord } from "../../ui/format";
import { HelpButton } from "../../ui/help";
import type { PanelProps } from "../props";
import { Share } from "./share";

export function Header({ store }: PanelProps) {
  const model = store.model.value!;
  const trace = store.trace.value;
  const chain = store.chain.value;
  const { chainRule } = store.state;
  const groups =
    model.kv_heads && model.kv_heads < model.heads ? `, ${model.kv_heads} KV groups` : "";
  const size = `${plural(model.layers, "layer")} × ${plural(model.heads, "head")}${groups}`;
  const [kept = 0, most = 0] = trace?.cache ?? [];
  const isGone = store.isGone.value;
  const trouble = store.problem.value || isGone;
  const status = trouble ? "problem" : store.waiting.value ? "busy" : "ready";
  return (
    <header class="header">
      <span class={`dot ${status}`} role="img" aria-label={isGone ? "disconnected" : status} />
      <span class="facts ellipsis muted figures">
        <strong>{model.name}</strong>
        <span title={size}>{size}</span>
        <span>
          {model.device} · {model.dtype}
        </span>
        {kept > 0 && (
          <span
            title={`Keys and values of recent texts, so that an edit costs only what it changes; at most ${megabytes(most)} (scope.cache_limit)`}
          >
            cache {megabytes(kept)}
          </span>
        )}
      </span>
      <span class="right">
        <span class={`muted figures ${store.isOld.value ? "old" : ""}`}>
          {trace && (
            <>
              {count(trace.tokens.length)}
              {trace.target.length > 0 && ` → ${count(trace.target.length)}`}{" "}
              {tokenWord(trace.target.length || trace.tokens.length)}
            </>
          )}
          {chain && chain.perplexity !== null && (
            <>
              {" · "}
              <button
                type="button"
                class={`quiet ${chain.trace === trace ? "" : "old"}`}
                aria-expanded={chainRule.value}
                title="Show or hide the chain rule, of which it is made"
                onClick={() => (chainRule.value = !chainRule.value)}
              >
                perplexity {significant(chain.perplexity)}
              </button>
            </>
          )}
        </span>
        <span>
          <Share store={store} /> <HelpButton />{" "}
          <button
            type="button"
            title="A stage for a projector: large type, one thing at a time"
            onClick={() => (store.state.lecture.value = true)}
          >
            A⁺ Lecture
          </button>
        </span>
      </span>
    </header>
  );
}

const megabytes = (bytes: number): string => `${count(Math.ceil(bytes / 1e6))} MB`;
