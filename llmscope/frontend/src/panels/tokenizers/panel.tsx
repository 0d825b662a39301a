import { useRef } from "preact/hooks";
import type { Store } from "../../store/store";
import { isCode } from "../../ui/code";
import { plural } from "../../ui/format";
import { TextArea } from "../../ui/text-area";
import { tokenizers as words } from "#words/tokenizers";
import { fill } from "../../words/fill";
import type { PanelProps } from "../props";
import type { TokenizersAnswer } from "./answer";
import { Pieces } from "./pieces";
import { Numbers } from "./numbers";

/** One text, piece under piece, as several tokenizers cut it. */
export function Tokenizers({ store }: PanelProps) {
  const { state } = store;
  const request = { type: "tokenizers", input: state.text.value } as const;
  const lacking = store.lacks(request);
  const answer = lacking ? null : store.lasting.watch<TokenizersAnswer>(request).value;
  const last = useRef<TokenizersAnswer | null>(null);
  last.current = answer ?? last.current;
  const found = last.current;
  return (
    <section class="panel tokenizers" aria-label={words.label}>
      <h3>
        {words.title}{" "}
        {found && (
          <small class="figures">
            {fill(words.size, {
              characters: plural(found.characters, words.characters),
              bytes: plural(found.bytes, words.bytes),
            })}
          </small>
        )}
      </h3>
      <Text store={store} samples={found?.samples ?? []} />
      {lacking ? (
        <p class="muted empty">{lacking}</p>
      ) : !found ? (
        <p class="muted empty">{words.reading}</p>
      ) : (
        <div class={answer ? "" : "old"}>
          <Pieces answer={found} isCode={isCode(state.text.value)} />
          <Numbers answer={found} />
        </div>
      )}
    </section>
  );
}

interface TextProps {
  store: Store;
  samples: TokenizersAnswer["samples"];
}

function Text({ store, samples }: TextProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const { text, editable } = store.state;
  if (!editable.value) return null;
  const set = (typed: string) => (text.value = typed);
  const take = (sample: string) => {
    area.current!.select();
    // The one way that the browser's own undo takes back.
    document.execCommand("insertText", false, sample);
  };
  return (
    <>
      <div class="card typed">
        <pre aria-hidden="true">
          {text.value}
          {"\u200b"}
        </pre>
        <TextArea
          area={area}
          value={text}
          name={words.text}
          placeholder={words.type}
          onEdit={set}
        />
      </div>
      <p class="samples muted">
        {words.sample}{" "}
        {samples.map((sample) => (
          <button
            key={sample.name}
            type="button"
            class="quiet"
            title={words.sampleTitle}
            onClick={() => take(sample.text)}
          >
            {sample.name}
          </button>
        ))}
      </p>
    </>
  );
}
