import { Fragment } from "preact";
import type { Store } from "../../store/store";
import { lesson as words } from "#words/lesson";
import { fill } from "../../words/fill";

const BEFORE = ["text", "tokens", "embedding"] as const;
const BLOCK = ["attention", "mlp"] as const;
const AFTER = ["unembedding", "softmax", "next"] as const;

/** The whole model in one line; the part that a slide is about is lit. */
export function Story({ store, part }: { store: Store; part: string }) {
  const layers = store.model.value?.layers ?? 0;
  const one = (name: keyof typeof words.parts) => (
    <li class={name === part ? "here" : ""} aria-current={name === part ? "step" : undefined}>
      {words.parts[name]}
    </li>
  );
  return (
    <ol class="lesson-story list" aria-label={words.story}>
      {BEFORE.map((name) => (
        <Fragment key={name}>{one(name)}</Fragment>
      ))}
      <li class="lesson-blocks">
        <ol class="list">
          {BLOCK.map((name) => (
            <Fragment key={name}>{one(name)}</Fragment>
          ))}
        </ol>
        {layers > 0 && <span>{fill(words.blocks, { count: layers })}</span>}
      </li>
      {AFTER.map((name) => (
        <Fragment key={name}>{one(name)}</Fragment>
      ))}
    </ol>
  );
}
