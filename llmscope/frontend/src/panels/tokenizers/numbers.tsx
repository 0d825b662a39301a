import { count, plural } from "../../ui/format";
import { common } from "#words/common";
import { tokenizers as words } from "#words/tokenizers";
import { fill } from "../../words/fill";
import type { TokenizersAnswer } from "./answer";

const each = (whole: number, tokens: number): string =>
  tokens ? (whole / tokens).toFixed(2) : "–";

/** How long the text is for each tokenizer, and how long samples of other kinds are. */
export function Numbers({ answer }: { answer: TokenizersAnswer }) {
  const { characters, bytes, rows, samples } = answer;
  const { columns } = words;
  return (
    <div class="numbers">
      <table class="figures">
        <thead>
          <tr>
            <td colSpan={5} />
            <th scope="colgroup" colSpan={samples.length}>
              {words.samples}
            </th>
          </tr>
          <tr>
            {[
              columns.name,
              columns.tokens,
              columns.characters,
              columns.bytes,
              columns.vocabulary,
            ].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            {samples.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={row.name}>
              <th scope="row" class="ellipsis" title={row.name}>
                {row.name}
              </th>
              {row.refused !== undefined ? (
                <td colSpan={3} class="refused">
                  {fill(words.refused, { reason: row.refused })}
                </td>
              ) : (
                <>
                  <td>
                    <b>{count(row.tokens!)}</b>
                    {row.unknown!.length > 0 && (
                      <small> {plural(row.unknown!.length, words.unknown)}</small>
                    )}
                  </td>
                  <td>{each(characters, row.tokens!)}</td>
                  <td>{each(bytes, row.tokens!)}</td>
                </>
              )}
              <td>{count(row.vocabulary)}</td>
              {samples.map(({ name, tokens, characters: length }) => {
                const [made, unknown] = tokens[index] ?? [0, 0];
                const title = fill(words.sampleOf, {
                  tokens: plural(made, common.tokens),
                  unknown: plural(unknown, words.unknown),
                  characters: plural(length, words.characters),
                });
                return (
                  <td key={name} title={title}>
                    {each(length, made)}
                    {unknown > 0 && <small> {plural(unknown, words.unknown)}</small>}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
