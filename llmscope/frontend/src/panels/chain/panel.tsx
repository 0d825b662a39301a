import type { Store } from "../../store/store";
import { bits, inPercent, plural, power, significant, twoDecimals } from "../../ui/format";
import { Label, plain } from "../../ui/label";
import { chain as words } from "#words/chain";
import { common } from "#words/common";
import { choose, fill, rich } from "../../words/fill";
import type { PanelProps } from "../props";
import { Columns, lookedAt } from "./columns";
import { ChainOfTwo } from "./difference";
import { type Factors, factorsOf, toBits } from "./factors";

const SCALE = 12; // bits that a bar has room for, unless a token has more

/** The probability of the text, token by token, and its perplexity. */
export function Chain({ store }: PanelProps) {
  const { state } = store;
  if (!state.chainRule.value && !state.lecture.value) return null;
  const chain = store.chain.value;
  if (store.sides.isDifference.value && chain) return <ChainOfTwo store={store} />;
  const known = chain && factorsOf(chain.trace, chain);
  return (
    <section class="panel chain" aria-label={words.title}>
      <h3>
        {words.title} <small>{words.about}</small>
      </h3>
      {known ? (
        <div class={chain.trace === store.trace.value ? "" : "old"}>
          <Tokens store={store} factors={known} />
          <Sentence store={store} factors={known} />
          {chain.perplexity !== null && <Total factors={known} perplexity={chain.perplexity} />}
        </div>
      ) : (
        <p class="muted empty">{whyNone(store)}</p>
      )}
    </section>
  );
}

function whyNone({ trace, model }: Store): string {
  const family = model.value!.family;
  if (family === "masked" || family === "encoder") return words.both;
  if (!trace.value) return words.type;
  return trace.value.last > 0 ? words.reading : words.typeSecond;
}

interface FactorsProps {
  store: Store;
  factors: Factors;
}

/** Of each token its surprisal as a bar, its probability, and the product so far. */
function Tokens({ store, factors: { side, tokens } }: FactorsProps) {
  const most = Math.max(SCALE, ...tokens.map(({ logprob }) => finite(toBits(logprob ?? 0))));
  const { surprisal, probability, product } = words.rows;
  return (
    <Columns
      store={store}
      side={side}
      names={[surprisal, probability, product]}
      columns={tokens.map(({ label, logprob, product }) => ({
        label,
        bar: logprob !== null && (
          <>
            {twoDecimals(toBits(logprob))}
            <i style={{ height: `${(75 * Math.min(finite(toBits(logprob)), most)) / most}%` }} />
          </>
        ),
        numbers: logprob === null ? [words.given, ""] : [inPercent(logprob), power(product)],
      }))}
    />
  );
}

/** The factor in focus, as a formula. */
function Sentence({ store, factors: { side, tokens } }: FactorsProps) {
  const at = lookedAt(store, side, tokens.length);
  const factor = tokens[at]!;
  const token = <Label text={plain(factor.label)} />;
  return (
    <p class="caption lines figures" role="status">
      {factor.logprob === null ? (
        rich(words.first, { token })
      ) : (
        <>
          {rich(choose(words.factor, at), {
            token,
            count: at,
            share: power(factor.logprob),
          })}
          {" · "}
          {rich(words.surprisal, { bits: <b>{bits(toBits(factor.logprob))}</b> })}
          {" · "}
          {fill(words.product, { product: power(factor.product) })}
        </>
      )}
    </p>
  );
}

interface TotalProps {
  factors: Factors;
  perplexity: number;
}

/** The product of all, and how perplexity is made of it. */
function Total({ factors, perplexity }: TotalProps) {
  const all = toBits(factors.total);
  const each = twoDecimals(all / factors.count);
  const shown = significant(perplexity);
  return (
    <p class="total lines figures">
      {rich(words.total, {
        product: <b>{power(factors.total)}</b>,
        power: powerOfTwo(`−${twoDecimals(all)}`),
      })}
      <br />
      {rich(words.perplexity, {
        bits: twoDecimals(all),
        tokens: plural(factors.count, common.tokens),
        each: <b>{fill(words.each, { bits: each })}</b>,
        power: powerOfTwo(each),
        perplexity: <b>{shown}</b>,
        choices: shown,
      })}
    </p>
  );
}

const powerOfTwo = (exponent: string) => (
  <>
    2<sup>{exponent}</sup>
  </>
);

const finite = (value: number): number => (Number.isFinite(value) ? value : 0);
