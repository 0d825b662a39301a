const threeFigures = new Intl.NumberFormat("en", {
  minimumSignificantDigits: 3,
  maximumSignificantDigits: 3,
});
const thousands = new Intl.NumberFormat("en");

const significant = (value: number): string => threeFigures.format(value);
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

export const count = (value: number): string => thousands.format(value);
