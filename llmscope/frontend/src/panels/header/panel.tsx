import type { Trace } from "../../protocol/answers";
import { count, plural, significant } from "../../ui/format";
import { HelpButton } from "../../ui/help";
import { common } from "#words/common";
import { header as words } from "#words/header";
import { fill } from "../../words/fill";
import type { PanelProps } from "../props";
import { ServerFacts } from "./server";
import { Share } from "./share";

export function Header({ store }: PanelProps) {
  const model = store.model.value!;
  const trace = store.trace.value;
  const chain = store.chain.value;
  const { chainRule, model: anatomy, panels } = store.state;
  const groups = model.kv_heads;
  const numbers = {
    layers: plural(model.layers, words.layers),
    heads: plural(model.heads, common.heads),
  };
  const size =
    groups && groups < model.heads
      ? fill(words.sizeOfGroups, { ...numbers, groups })
      : fill(words.size, numbers);
  const [kept = 0, most = 0] = trace?.cache ?? [];
  const isGone = store.isGone.value;
  const isAway = store.state.server.value?.stands === false;
  const trouble = store.problem.value || isGone || isAway;
  const status = trouble ? "problem" : store.waiting.value ? "busy" : "ready";
  return (
    <div class="header">
      <span
        class={`dot ${status}`}
        role="img"
        aria-label={words.status[isGone || isAway ? "disconnected" : status]}
      />
      <span class="facts muted figures">
        <strong class="ellipsis" title={model.name}>
          {model.name}
        </strong>
        <span title={size}>{size}</span>
        <span>
          {model.device} · {model.dtype}
        </span>
        {kept > 0 && (
          <span title={fill(words.cacheTitle, { size: megabytes(most) })}>
            {fill(words.cache, { size: megabytes(kept) })}
          </span>
        )}
      </span>
      <ServerFacts store={store} />
      <span class="right">
        <span class={`muted figures ${store.isOld.value ? "old" : ""}`}>
          {trace && lengthOf(trace)}
          {chain && chain.perplexity !== null && (
            <>
              {" · "}
              <button
                type="button"
                class={`quiet ${chain.trace === trace ? "" : "old"}`}
                aria-expanded={chainRule.value}
                title={words.perplexityTitle}
                onClick={() => (chainRule.value = !chainRule.value)}
              >
                {fill(words.perplexity, { value: significant(chain.perplexity) })}
              </button>
            </>
          )}
        </span>
        <span>
          {panels.value.includes("model") && (
            <button
              type="button"
              class="quiet"
              aria-expanded={anatomy.value}
              title={words.modelTitle}
              onClick={() => (anatomy.value = !anatomy.value)}
            >
              {words.model}
            </button>
          )}{" "}
          <Share store={store} /> <HelpButton />{" "}
          <button
            type="button"
            title={words.lectureTitle}
            onClick={() => (store.state.lecture.value = true)}
          >
            {words.lecture}
          </button>
        </span>
      </span>
    </div>
  );
}

/** Number of tokens; of two sides both. */
function lengthOf({ tokens: { length }, target }: Trace): string {
  if (target.length === 0) return plural(length, common.tokens);
  return plural(target.length, common.tokens, `${count(length)} → ${count(target.length)}`);
}

const megabytes = (bytes: number): string =>
  fill(words.megabytes, { count: count(Math.ceil(bytes / 1e6)) });
