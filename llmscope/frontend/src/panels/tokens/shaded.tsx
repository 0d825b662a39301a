import type { Signal } from "@preact/signals";
import { Fragment } from "preact";
import { useContext } from "preact/hooks";
import { opacity } from "../../draw/color-scale";
import { ThemeContext } from "../../host/colors";
import type { Theme } from "../../host/theme";
import { type Line, sidesOf } from "../../store/attention/types";
import type { Side, Store } from "../../store/store";
import type { Row } from "../../store/text-input";
import { effectInk } from "../../ui/effects";
import { tokens as words } from "#words/tokens";
import { fill } from "../../words/fill";
import { effectOn } from "./effect";
import { pieces } from "./pieces";
import { tap } from "./tap";

const FULL = 0.55; // of a colour, that the text is read on

interface Shown {
  store: Store;
  row: Row;
  side: Side;
  line: Line | null;
  /** The token in focus on this side, -1 without one. */
  here: number;
  hovered: Signal<number | null>;
}

/** The attention to a side of the text, where it is to that side that the line leads. */
export function weightsOn(line: Line | null, side: Side): Float32Array | null {
  if (!line) return null;
  const { queries, keys } = sidesOf(line.trace, line.kind);
  return (line.direction === "from" ? keys : queries) === line.trace[side] ? line.weights : null;
}

/** Log-probability of each token of a side given those before it, where that is known. */
export function chainOn({ chain, trace }: Store, side: Side): ArrayLike<number> | null {
  const now = trace.value;
  const own = now && now.target.length > 0 ? "target" : "tokens";
  return side === own && chain.value?.trace === now ? chain.value!.logprobs.data : null;
}

/** The text, piece by piece, with its colours. */
export function Shaded({ text, ...shown }: Shown & { text: string }) {
  const theme = useContext(ThemeContext).value;
  return (
    <>
      {pieces(shown.row, text).map((piece) =>
        piece.tokens.length === 0 ? (
          shown.store.isOld.value && piece.text.trim() ? (
            <span class="unread">{piece.text}</span>
          ) : (
            piece.text
          )
        ) : (
          <Fragment key={piece.tokens[0]}>
            {piece.text.slice(0, wordOf(piece.text))}
            <span data-token={piece.tokens[0]} {...look(shown, piece.tokens, theme)}>
              {piece.text.slice(wordOf(piece.text))}
            </span>
          </Fragment>
        ),
      )}
    </>
  );
}

/** Where the word of a token begins: a space before it is its own, but isn't shaded. */
const wordOf = (text: string): number => (/^\s+\S/u.test(text) ? text.search(/\S/u) : 0);

function look({ store, side, line, here, hovered }: Shown, tokens: number[], theme: Theme) {
  const [weights, logprobs] = [weightsOn(line, side), chainOn(store, side)];
  const sum = (of: ArrayLike<number>) => tokens.reduce((all, token) => all + (of[token] ?? 0), 0);
  const shade = Math.abs(weights ? sum(weights) : 0);
  const logprob = logprobs ? sum(logprobs) : NaN;
  const { threshold, colorScale } = store.state;
  const byEffect = store.effects.shadesText;
  const effect = effectOn(store, side, tokens);
  const shown = shade >= threshold.value ? shade : 0;
  const isHovered = hovered.value !== null && tokens.includes(hovered.value);
  const { roles, masked } = store.trace.value!;
  const [first] = tokens;
  const turn = side === "tokens" && roles[first!] !== roles[first! - 1] ? roles[first!] : null;
  const isMasked = side === "tokens" && masked.includes(first!);
  const names = [tokens.includes(here) && "here", isHovered && "hovered", isMasked && "masked"];
  return {
    class: ["token", ...names].filter(Boolean).join(" "),
    "data-turn": turn ?? undefined,
    style: {
      "--shade": byEffect ? 0 : opacity(shown, colorScale.value).toFixed(3),
      "--effect": effect && effectInk(theme, effect.value, store.effects.tokens.most.value, FULL),
      "--probability": Number.isFinite(logprob) ? `${(100 * Math.exp(logprob)).toFixed(1)}%` : "0%",
    },
  };
}

/** Special tokens that the tokenizer put before or after the text. */
export function Specials({ leading, ...shown }: Shown & { leading: boolean }) {
  const theme = useContext(ThemeContext).value;
  const { store, row, side, hovered } = shown;
  const isLeading = (start: number, index: number) =>
    start === 0 && (row.text !== "" || index === 0);
  const outside = row.tokens
    .map((token, index) => ({ token, index }))
    .filter(({ token }) => token.isSpecial && token.start === token.end)
    .filter(({ token, index }) => leading === isLeading(token.start, index));
  if (outside.length === 0) return null;
  return (
    <div class="specials">
      {outside.map(({ token, index }) => {
        const at = row.first + index;
        const { class: name, style } = look(shown, [at], theme);
        return (
          <button
            key={at}
            type="button"
            class={name}
            style={style}
            data-token={at}
            onPointerEnter={() => (hovered.value = at)}
            onClick={(event) => {
              event.stopPropagation();
              tap(store, at, side);
            }}
          >
            {token.label}
          </button>
        );
      })}
    </div>
  );
}

/** Whose attention it is, in words. */
export function whose({ name }: Line): string {
  const [layer, head = 0] = name.where[0]!;
  if (name.how === "head") return fill(words.whose.head, { layer, head });
  if (name.how === "rollout") return fill(words.whose.rollout, { layer });
  return words.whose[name.how];
}

/** What the token is called whose attention it is. */
export function ownOf({ trace, kind, direction, index }: Line): string {
  const { queries, keys } = sidesOf(trace, kind);
  return (direction === "from" ? queries : keys)[index]?.label ?? "";
}
