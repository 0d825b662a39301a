import { useSignal } from "@preact/signals";
import type { Store } from "../../store/store";
import { copied } from "../../ui/actions";
import { bits, plural } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import { evaluation as words } from "#words/evaluation";
import { fill } from "../../words/fill";
import type { EvaluationAnswer, TextAnswer } from "./answer";

const DARKEST = 12; // bits, of which a token is shaded most
const FULL = 0.6;

interface OpenProps {
  store: Store;
  answer: EvaluationAnswer;
  models: readonly number[];
  text: number | null;
}

/** One text, by the tokens of two models, one above the other. */
export function Open({ store, answer, models, text }: OpenProps) {
  const picked = useSignal<readonly (number | null)[]>([null, null]);
  const rows = models.slice(0, 2).map((model, row) => picked.value[row] ?? model);
  const request = { type: "evaluated_text", index: text ?? 0 } as const;
  const lacking = text === null ? words.openEmpty : store.lacks(request);
  const found = lacking ? null : store.lasting.watch<TextAnswer>(request).value;
  const code =
    found && `llmscope.compare(${rows.map((row) => made(answer, row, found)).join(", ")})`;
  return (
    <div class="open" role="region" aria-label={words.open}>
      <h4>{words.open}</h4>
      <div class="opened scrolls" tabIndex={0}>
        {!found ? (
          <p class="muted">{lacking ?? words.openReading}</p>
        ) : (
          rows.map((model, row) => (
            <div key={row} class="voice">
              <select
                aria-label={fill(words.pick, { row: row + 1 })}
                value={model}
                onChange={(event) => {
                  const chosen = [...picked.peek()];
                  chosen[row] = Number(event.currentTarget.value);
                  picked.value = chosen;
                }}
              >
                {answer.models.map(({ name }, index) => (
                  <option key={index} value={index}>
                    {name}
                  </option>
                ))}
              </select>
              <Tokens read={found.models[model] ?? null} />
            </div>
          ))
        )}
      </div>
      <p class={`python flow ${code && rows.length > 1 ? "" : "unseen"}`}>
        <small>{words.python}</small>
        <code class="code ellipsis">{code}</code>
        <CopyButton text={code ?? ""} />
      </p>
    </div>
  );
}

/** The trace of a text, in Python. */
const made = (answer: EvaluationAnswer, model: number, { text }: TextAnswer): string =>
  `${answer.models[model]!.code}.trace(${JSON.stringify(text)})`;

function Tokens({ read }: { read: TextAnswer["models"][number] }) {
  if (!read) return <p class="muted">{words.notRead}</p>;
  return (
    <p class="tokens">
      {read.labels.map((label, index) => {
        const surprisal = read.bits[index] ?? null;
        const shade = surprisal === null ? 0 : FULL * Math.min(1, surprisal / DARKEST);
        const token = plain(label);
        return (
          <span
            key={index}
            class="token"
            style={{ "--shade": shade.toFixed(3) }}
            title={
              surprisal === null
                ? fill(words.notPredicted, { token })
                : fill(words.surprisal, { token, bits: bits(surprisal) })
            }
          >
            <Label text={label} />
          </span>
        );
      })}
      {read.labels.length >= 400 && <small> {plural(read.labels.length, words.tokensKept)}</small>}
    </p>
  );
}

function CopyButton({ text }: { text: string }) {
  const said = useSignal("");
  return (
    <button
      type="button"
      class="quiet"
      onClick={async () => {
        said.value = await copied(text);
        setTimeout(() => (said.value = ""), 1500);
      }}
    >
      {said.value || words.copy}
    </button>
  );
}
