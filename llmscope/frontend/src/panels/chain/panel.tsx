import { useEffect, useRef } from "preact/hooks";
import type { Store } from "../../store/store";
import { bits, count, percent, power, significant, tokenWord, twoDecimals } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { Label, plain } from "../../ui/label";
import { clamp } from "../../ui/scale";
import type { PanelProps } from "../props";
import { type Factors, factorsOf, toBits } from "./factors";

const SCALE = 12; // bits that a bar has room for, unless a token has more

/** The probability of the text, token by token, and its perplexity. */
export function Chain({ store }: PanelProps) {
  const { state } = store;
  if (!state.chainRule.value && !state.lecture.value) return null;
  const chain = store.chain.value;
  const known = chain && factorsOf(chain.trace, chain);
  return (
    <section class="panel chain" aria-label="Chain rule">
      <h3>
        Chain rule <small>a text's probability, token by token</small>
      </h3>
      {known ? (
        <div class={chain.trace === store.trace.value ? "" : "old"}>
          <Columns store={store} factors={known} />
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
  if (family === "masked" || family === "encoder")
    return "This model reads the text in both directions, so there is no chain from left to right.";
  if (!trace.value) return "Type a text.";
  return trace.value.last > 0 ? "Reading…" : "Type a second token: the first has none before it.";
}

interface FactorsProps {
  store: Store;
  factors: Factors;
}

/** A column for each token: its surprisal as a bar, its probability, and the product so far. */
function Columns({ store, factors: { side, tokens } }: FactorsProps) {
  const box = useRef<HTMLDivElement>(null);
  const here = clampedFocus(store, side, tokens.length);
  const most = Math.max(SCALE, ...tokens.map(({ logprob }) => finite(toBits(logprob ?? 0))));
  useEffect(() => {
    const found = box.current!.querySelector<HTMLElement>(".here");
    if (found) reveal(found, box.current!);
  }, [here, tokens.length]);
  const keys = onKeys("chain", {
    move: ({ right }) => right !== 0 && store.pin(clamp(here + right, 0, tokens.length - 1), side),
  });
  return (
    <div
      ref={box}
      class="columns-of-tokens figures"
      role="group"
      aria-label="Tokens"
      tabIndex={0}
      onKeyDown={keys}
    >
      <div class="factor names" aria-hidden="true">
        <span class="height">surprisal, bits</span>
        <span>token</span>
        <span>probability</span>
        <span>product so far</span>
      </div>
      {tokens.map(({ index, label, logprob, product }) => (
        <button
          key={index}
          type="button"
          tabIndex={-1}
          class={`factor ${index === here ? "here" : ""}`}
          onPointerEnter={() => side === "tokens" && (store.hovered.value = index)}
          onPointerLeave={() => side === "tokens" && (store.hovered.value = null)}
          onClick={() => store.pin(index, side)}
        >
          <span class="height">
            {logprob !== null && (
              <>
                {twoDecimals(toBits(logprob))}
                <i
                  style={{ height: `${(75 * Math.min(finite(toBits(logprob)), most)) / most}%` }}
                />
              </>
            )}
          </span>
          <span class="ellipsis">
            <Label text={label} />
          </span>
          <span>{logprob === null ? "given" : percent(Math.exp(logprob))}</span>
          <span>{logprob === null ? "" : power(product)}</span>
        </button>
      ))}
    </div>
  );
}

/** The factor in focus, as a formula. */
function Sentence({ store, factors: { side, tokens } }: FactorsProps) {
  const hovered = side === "tokens" ? store.hovered.value : null;
  const at = hovered ?? clampedFocus(store, side, tokens.length);
  const factor = tokens[at]!;
  return (
    <p class="caption lines figures" role="status">
      {factor.logprob === null ? (
        <>
          Nothing comes before “<Label text={plain(factor.label)} />
          ”: the text is read given it.
        </>
      ) : (
        <>
          p(“
          <Label text={plain(factor.label)} />” | {at === 1 ? "the token" : `the ${at} tokens`}{" "}
          before it) = {percent(Math.exp(factor.logprob))}
          {" · "}surprisal −log₂ p = <b>{bits(toBits(factor.logprob))}</b>
          {" · "}product up to here {power(factor.product)}
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
      p(text | its first token) = <b>{power(factors.total)}</b> = 2<sup>−{twoDecimals(all)}</sup>
      <br />
      {twoDecimals(all)} bits ÷ {count(factors.count)} {tokenWord(factors.count)} ={" "}
      <b>{each} bits per token</b>; perplexity 2<sup>{each}</sup> = <b>{shown}</b>: as unsure as a
      choice among {shown} equally likely tokens.
    </p>
  );
}

const finite = (value: number): number => (Number.isFinite(value) ? value : 0);

/** The token in focus of a side; without one, the last. */
function clampedFocus(store: Store, side: Factors["side"], length: number): number {
  const here = store.here(side);
  return here < 0 ? length - 1 : Math.min(here, length - 1);
}

/** Scrolls the columns so that one is in sight, right of the names that stay. */
function reveal(element: HTMLElement, box: HTMLElement): void {
  const names = (box.firstElementChild as HTMLElement).offsetWidth;
  const before = element.offsetLeft - names - box.scrollLeft;
  const after = element.offsetLeft + element.offsetWidth - box.clientWidth - box.scrollLeft;
  if (before < 0) box.scrollLeft += before;
  else if (after > 0) box.scrollLeft += after;
}
