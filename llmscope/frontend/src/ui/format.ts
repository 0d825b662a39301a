import { common } from "#words/common";
import { language } from "#words/language";
import { type Forms, choose, fill } from "../words/fill";

const threeFigures = new Intl.NumberFormat(language, {
  minimumSignificantDigits: 3,
  maximumSignificantDigits: 3,
});
const thousands = new Intl.NumberFormat(language);

/** A number in three figures. */
export const significant = (value: number): string => threeFigures.format(value);
const tiny = (value: number): string => value.toExponential(2);

/** A share as a percentage in three true figures. */
export function percent(share: number): string {
  if (share === 0) return "0";
  const value = share * 100;
  if (value < 1e-4) return `${tiny(value)} %`;
  // 99.95 and above would round up to a certainty that isn't there.
  if (share < 1 && value >= 99.95) return `${justBelow(100, value, 1)} %`;
  return `${significant(value)} %`;
}

/** A share as a percentage with one decimal, where `percent` is said on hover. */
export function rounded(share: number): string {
  const value = share * 100;
  if (share === 0 || share === 1) return percent(share);
  if (value < 0.1) return "< 0.1 %";
  return value >= 99.95 ? "> 99.9 %" : `${value.toFixed(1)} %`;
}

/** A change of a probability, in percentage points with its sign. */
export function points(change: number): string {
  const size = 100 * Math.abs(change);
  const digits = size === 0 ? 0 : size < 10 ? 2 : 1;
  const shown = size > 0 && size < 0.005 ? size.toExponential(0) : size.toFixed(digits);
  return `${change < 0 ? "−" : change > 0 ? "+" : ""}${shown} pp`;
}

/** As many digits as it takes to tell a value from the whole. */
function justBelow(whole: number, value: number, least: number): string {
  for (let digits = least; digits <= 10; digits++) {
    const shown = value.toFixed(digits);
    if (Number(shown) < whole) return shown;
  }
  return `> ${(whole - 1e-10).toFixed(10)}`;
}

/** An attention weight. */
export const weight = (value: number): string =>
  value < 0
    ? `−${weight(-value)}`
    : value === 0
      ? "0"
      : value < 0.0005
        ? tiny(value)
        : value < 1 && value >= 0.9995
          ? justBelow(1, value, 4)
          : value.toFixed(3);

/** The same where what it is exactly is said on hover. */
export const roundedWeight = (value: number): string =>
  value > 0 && value < 0.0005 ? "< 0.001" : weight(value);

export const count = (value: number): string => thousands.format(value);

const shortened = new Intl.NumberFormat(language, {
  notation: "compact",
  maximumSignificantDigits: 3,
});

/** A large number in three figures and a word or a letter for the rest. */
export const compact = (value: number): string => shortened.format(value);

/** "1 layer", "2 layers": the form for a number, with the number itself or what stands for it. */
export const plural = (number: number, forms: Forms, shown = count(number)): string =>
  fill(choose(forms, number), { count: shown });

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A probability of any size, of its natural logarithm: what a float has no room for, too. */
export function power(logprob: number): string {
  const digits = logprob / Math.LN10;
  return digits > -4 ? percent(Math.exp(logprob)) : scientific(digits);
}

/** A probability in percent, without the sign: as short as three figures are. */
export function inPercent(logprob: number): string {
  const digits = logprob / Math.LN10 + 2;
  return digits < -3 ? scientific(digits) : percent(Math.exp(logprob)).replace(" %", "");
}

/** A number below 1, of its decimal logarithm. */
function scientific(digits: number): string {
  if (digits === -Infinity) return "0";
  let exponent = Math.floor(digits);
  let first = (10 ** (digits - exponent)).toFixed(2);
  if (first === "10.00") [first, exponent] = ["1.00", exponent + 1];
  return `${first} × 10⁻${[...String(-exponent)].map((digit) => SUPERSCRIPTS[Number(digit)]).join("")}`;
}

export const bits = (value: number): string => fill(common.bits, { count: value.toFixed(2) });

/** A share in two decimals, without the 0 before the point. */
export const hundredths = (share: number): string => share.toFixed(2).replace(/^0/, "");

const withMinus = (text: string): string => text.replaceAll("-", "−");

/** A number in four figures. */
export const fourFigures = (value: number): string => withMinus(value.toPrecision(4));

/** A number in two decimals. */
export const twoDecimals = (value: number): string => withMinus(value.toFixed(2));

/** A component of a vector: as short as it may be. */
export function component(value: number): string {
  const size = Math.abs(value);
  return withMinus(
    size !== 0 && (size < 0.01 || size >= 10_000)
      ? value.toExponential(1)
      : value.toFixed(size >= 100 ? 0 : 2),
  );
}

/** A setting in two decimals, and a third where it was set finely. */
export function setting(value: number): string {
  const three = value.toFixed(3);
  return three.endsWith("0") ? three.slice(0, -1) : three;
}
