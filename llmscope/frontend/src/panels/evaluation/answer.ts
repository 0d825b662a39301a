export type Better = "less" | "more" | "";
export type Ordering = "given" | "ascending" | "descending";
export type Unit = "count" | "bytes" | "seconds" | "tokens/s" | "bits" | "ratio" | "share";

export interface Measure {
  name: string;
  unit: Unit;
  better: Better;
  interval: "95" | "rounds" | "";
  of_texts: boolean;
}

/** A number with its bounds; or why there is none. */
export type Value = readonly [
  value: number | null,
  low: number | null,
  high: number | null,
  why: string,
];

export interface Model {
  name: string;
  /** It as a scope, in Python. */
  code: string;
  state: "waiting" | "running" | "done" | "failed" | "stopped";
  error: string;
  notes: readonly string[];
  /** By measure. */
  values: readonly Value[];
}

export interface Item {
  asked: string;
  right: string;
  /** By model, what it said, and its score. */
  said: readonly (readonly [said: string, score: number] | null)[];
}

export interface EvaluationAnswer {
  over: boolean;
  /** From 0 to 1. */
  done: number;
  seconds_left: number | null;
  stage: "load" | "speed" | "texts" | "tasks";
  measures: readonly Measure[];
  models: readonly Model[];
  texts: readonly { text: string; language: string; bytes: number }[];
  /** How many there are, of which some are listed. */
  all_texts: number;
  /** By measure: by model, by text. */
  numbers: Readonly<Record<string, readonly (readonly (number | null)[])[]>>;
  /** By measure of a task. */
  items: Readonly<Record<string, readonly Item[]>>;
}

export interface TextAnswer {
  text: string;
  /** By model: its first tokens, and −log₂ of the probability of each. */
  models: readonly ({ labels: readonly string[]; bits: readonly (number | null)[] } | null)[];
}

const LANGUAGE = "tokens_per_character.";
const TASK = "task.";
const QUALITY = ["bits_per_byte", "perplexity", "pseudo_perplexity", "accuracy"];

export const languageOf = (name: string): string | null =>
  name.startsWith(LANGUAGE) ? name.slice(LANGUAGE.length) : null;

/** Task and metric of a measure of a task. */
export function taskOf(name: string): readonly [task: string, metric: string] | null {
  if (!name.startsWith(TASK)) return null;
  const at = name.lastIndexOf(".");
  return [name.slice(TASK.length, at), name.slice(at + 1)];
}

/** Which measures are columns, and in which order: how good first, then how dear. */
export function columnsOf({ measures, models, over }: EvaluationAnswer): number[] {
  const rank = ({ name }: Measure) =>
    QUALITY.includes(name)
      ? QUALITY.indexOf(name)
      : taskOf(name)
        ? 4
        : name.startsWith("tokens")
          ? 5
          : 6;
  const isThere = (at: number) =>
    models.some(({ values }) => values[at]![0] !== null) ||
    (!over && measures[at]!.name !== "pseudo_perplexity");
  return measures
    .map((_, at) => at)
    .filter(isThere)
    .sort((one, other) => rank(measures[one]!) - rank(measures[other]!));
}

/** The models in their order on screen; those without a number come last. */
export function ordered(answer: EvaluationAnswer, at: number, ordering: Ordering): number[] {
  const places = answer.models.map((_, model) => model);
  if (ordering === "given") return places;
  const sign = ordering === "ascending" ? 1 : -1;
  const value = (model: number) => answer.models[model]!.values[at]?.[0] ?? null;
  return places.sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * (a - b);
  });
}

/** The order after a click: the best first, and then the other way round. */
export function nextOrdering(better: Better, now: Ordering | null): Ordering {
  const best = better === "less" ? "ascending" : "descending";
  return now === best ? (best === "ascending" ? "descending" : "ascending") : best;
}

/** A text behind a number: the numbers of all models, and how far they differ. */
export interface Behind {
  text: number;
  values: readonly (number | null)[];
}

/** Texts with the numbers of all models, those first on which these differ most. */
export function behind(answer: EvaluationAnswer, name: string): Behind[] {
  const language = languageOf(name);
  const numbers = answer.numbers[language === null ? name : "tokens_per_character"] ?? [];
  const rows = answer.texts
    .map((_, text) => ({ text, values: numbers.map((of) => of[text] ?? null) }))
    .filter(
      ({ text, values }) => values.some((one) => one !== null) && isOf(answer, text, language),
    );
  return rows.sort((one, other) => spread(other.values) - spread(one.values));
}

const isOf = ({ texts }: EvaluationAnswer, text: number, language: string | null): boolean =>
  language === null || texts[text]!.language === language;

/** How far numbers are apart; of one alone, how large it is. */
function spread(values: readonly (number | null)[]): number {
  const known = values.filter((one) => one !== null);
  return known.length < 2 ? (known[0] ?? -Infinity) : Math.max(...known) - Math.min(...known);
}

/** Items of a task, those first on which the models differ most. */
export const itemsOf = (answer: EvaluationAnswer, name: string): readonly Item[] =>
  [...(answer.items[name] ?? [])].sort(
    (one, other) =>
      spread(other.said.map((said) => said?.[1] ?? null)) -
      spread(one.said.map((said) => said?.[1] ?? null)),
  );
