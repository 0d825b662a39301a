import { format } from "d3-format";

const significant = format(".3r");
const tiny = format(".2e");

/** A share as a percentage in three true figures. */
export function percent(share: number): string {
  if (share === 0) return "0";
  const value = share * 100;
  if (value < 1e-4) return `${tiny(value)} %`;
  // 99.95 and above would round up to a certainty that isn't there.
  if (share < 1 && value >= 99.95) return `${nines(value)} %`;
  return `${significant(value)} %`;
}

/** As many digits as it takes to tell it from 100. */
function nines(value: number): string {
  for (let digits = 1; digits <= 8; digits++) {
    const shown = value.toFixed(digits);
    if (Number(shown) < 100) return shown;
  }
  return "> 99.99999999";
}

/** An attention weight. */
export const weight = (value: number): string =>
  value === 0 ? "0" : value < 0.0005 ? tiny(value) : value.toFixed(3);

export const count = format(",");
