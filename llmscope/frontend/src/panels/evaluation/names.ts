import { fourFigures, percent, significant } from "../../ui/format";
import { common } from "#words/common";
import { evaluation as words } from "#words/evaluation";
import { fill } from "../../words/fill";
import { type Measure, type Unit, languageOf, taskOf } from "./answer";

type Known = keyof typeof words.names;

/** What a measure is called. */
export function nameOf(name: string): string {
  const [language, task] = [languageOf(name), taskOf(name)];
  if (language !== null) return fill(words.inLanguage, { language });
  if (task) return fill(words.ofTask, { task: task[0], metric: task[1] });
  return words.names[name as Known];
}

/** What it is, in a sentence. */
export function aboutOf(name: string): string {
  if (languageOf(name) !== null) return words.aboutLanguage;
  return taskOf(name) ? words.aboutTask : words.about[name as Known];
}

/** Which way is better, and what its bounds are. */
export const readingOf = ({ better, interval }: Measure): string =>
  [words.better[better], words.intervals[interval]].filter(Boolean).join(common.clauses);

const BYTES = ["B", "kB", "MB", "GB", "TB"];
const COUNTS = ["", "k", "M", "B", "T"];

function scaled(value: number, names: readonly string[]): string {
  const power = value < 1 ? 0 : Math.min(names.length - 1, Math.floor(Math.log10(value) / 3));
  const shown = value / 1000 ** power;
  const digits = power === 0 ? shown.toFixed(0) : significant(shown);
  return `${digits} ${names[power]}`.trim();
}

/** A round number, on an axis. */
export const rounded = (value: number, unit: Unit): string =>
  shown(Number(value.toPrecision(12)), unit)
    .replace(/(\.\d*?)0+(?=\D*$)/, "$1")
    .replace(/\.(?=\D*$)/, "");

/** A number as its unit is written. */
export function shown(value: number, unit: Unit): string {
  switch (unit) {
    case "bytes":
      return scaled(value, BYTES);
    case "count":
      return scaled(value, COUNTS);
    case "share":
      return value < 0
        ? `−${percent(-value)}`
        : value > 1
          ? `${significant(100 * value)} %`
          : percent(value);
    case "seconds":
      return `${significant(value)} s`;
    case "tokens/s":
      return `${significant(value)} /s`;
    default:
      return value >= 10_000 ? scaled(value, COUNTS) : fourFigures(value);
  }
}
