import { count, tokenWord } from "../../ui/format";
import type { PanelProps } from "../props";

export function Header({ store }: PanelProps) {
  const model = store.model.value!;
  const trace = store.trace.value;
  const chain = store.chain.value;
  const { lecture } = store.state;
  const groups =
    model.kv_heads && model.kv_heads < model.heads ? `, ${model.kv_heads} KV groups` : "";
  const facts = [`${model.layers} layers × ${model.heads} heads${groups}`];
  if (!lecture.value) facts.push(`${model.device} · ${model.dtype}`);
  const [kept = 0, most = 0] = trace?.warm ?? [];
  const status = store.problem.value ? "problem" : store.waiting.value ? "busy" : "ready";
  const perplexity =
    chain && chain.trace === trace && chain.perplexity !== null
      ? ` · perplexity ${chain.perplexity.toPrecision(3)}`
      : "";
  return (
    <header class="header">
      <span class={`dot ${status}`} role="img" aria-label={status} />
      <strong>{model.name}</strong>
      {facts.map((fact) => (
        <span class="muted" key={fact}>
          {fact}
        </span>
      ))}
      {kept > 0 && !lecture.value && (
        <span
          class="muted figures"
          title={`Memory of what was read, so that an edit costs only what it changes; at most ${megabytes(most)} (scope.cache_limit)`}
        >
          {megabytes(kept)} kept warm
        </span>
      )}
      <span class="right">
        {trace && (
          <span class="muted figures">
            {count(trace.tokens.length)}
            {trace.target.length > 0 && ` → ${count(trace.target.length)}`}{" "}
            {tokenWord(trace.tokens.length)}
            {perplexity}
          </span>
        )}
        <button
          type="button"
          aria-pressed={lecture.value}
          title="Large type, for a projector"
          onClick={() => (lecture.value = !lecture.value)}
        >
          A⁺ Lecture
        </button>
      </span>
    </header>
  );
}

const megabytes = (bytes: number): string => `${count(Math.ceil(bytes / 1e6))} MB`;
