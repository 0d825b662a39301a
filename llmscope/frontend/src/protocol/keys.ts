/**
 * The grammar of keys: what a view can request, and how each request is spelled. A key is parsed and
 * formatted here and nowhere else; `llmscope/kernel/protocol.py` is the counterpart in Python,
 * `requests.py` beside it says what each answer is, and `tests/vectors/keys.json` holds the two equal.
 */

import type { Edit } from "./edits";
import {
  KINDS,
  type Kind,
  LONGEST_KEY,
  LONGEST_NAME,
  MOST_ANCHORS,
  MOST_HEADS,
  MOST_IDS,
  MOST_PROBES,
  MOST_STEP,
  type Parts,
  STREAMS,
  type Stream,
  TOWERS,
  type TowerName,
  WAYS,
  type Way,
} from "./shared";

/** By the type of a request, its key with the names of fields in braces. */
const FORMS = {
  model: "model",
  load: "load/{name}",
  install: "install",
  release: "release",
  kept: "kept",
  page: "page",
  call: "call",
  survey: "survey",
  survey_run: "survey/run",
  survey_texts: "survey/texts/{block}",
  tokenizers: "tokenizers/{input}",
  evaluated: "evaluation",
  evaluated_text: "evaluation/text/{index}",
  stop_evaluation: "evaluation/stop",
  training: "training",
  training_run: "training/run",
  training_stop: "training/stop",
  training_step: "training/step/{run}/{step}",
  training_across: "training/across/{run}/{probe}/{position}",
  training_heads: "training/heads/{run}/{probe}/{kind}",
  training_head: "training/head/{run}/{probe}/{kind}/{layer}/{head}",
  training_lens: "training/lens/{run}/{probe}/{position}",
  step_input: "step/{run}/{step}/{probe}",
  search: "vocabulary/{text}",
  token: "token/{id}",
  begin: "write/begin/{prompt}",
  step: "write/step/{count}",
  step_on: "write/on/{count}",
  force: "write/force/{after}/{token}",
  select: "write/select/{node}",
  undo: "write/undo",
  copy: "write/copy/{node}",
  node_logits: "write/logits/{node}",
  logits: "{trace}/logits/{position}",
  chain: "{trace}/chain",
  follows: "{trace}/follows",
  lens_block: "{trace}/lens/{stream}/{block}",
  thumbnails: "{trace}/thumbnails/{kind}/{layer}",
  steps: "{trace}/steps/{kind}/{layer}/{head}/{query}",
  rows: "{trace}/rows",
  distances: "{trace}/distances/{kind}",
  effects: "{trace}/effects/{of}/{kind}/{way}/{token}/{foil}/{position}",
  patching: "{trace}/patching/{on}/{foil}/{position}/{source}",
  structure: "{trace}/model",
  model_stream: "{trace}/model/stream/{tower}/{position}",
  model_block: "{trace}/model/block/{tower}/{layer}/{position}",
  model_box: "{trace}/model/box/{box}/{head}/{position}",
  model_component: "{trace}/model/component/{tower}/{position}/{index}",
  row: "{trace}/{kind}/{matrix}/row.{index}",
  column: "{trace}/{kind}/{matrix}/column.{index}",
  tile: "{trace}/{kind}/{matrix}/{level}.{row}.{column}.{pool}",
} as const;

type Forms = typeof FORMS;
type Fields<Form> = Form extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Fields<Rest>
  : never;

/** Types of fields; all others are numbers. */
interface Types {
  trace: TraceName;
  name: string;
  text: string;
  prompt: string;
  input: string;
  kind: Kind;
  stream: Stream;
  pool: Pool;
  matrix: MatrixName;
  of: Parts;
  way: Way;
  tower: TowerName;
  /** The id of a box of the model: `block.3.mlp`. */
  box: string;
  on: number | null;
  foil: number | null;
  /** The key of a text. */
  source: string;
}
type TypeOf<Name> = Name extends keyof Types ? Types[Name] : number;

/** A token of A and one of B that a person aligned. */
export type Anchor = readonly [a: number, b: number];

/** A trace, or the first of two less the second, perhaps with tokens aligned by hand. */
export type TraceName =
  | string
  | readonly [one: string, other: string]
  | readonly [one: string, other: string, anchors: readonly Anchor[]];

/** How a block of weights that is too small to see is reduced to one. */
export type Pool = "max" | "mean";

/** The input of a trace: a text, and what goes with it. */
export interface TextInput {
  text: string;
  /** The second sentence; empty without one. */
  pair: string;
  /** The text of the decoder. */
  target: string;
  /** Positions of masked tokens; below 0 from the end. */
  masked: readonly number[];
}

/** The input of a trace as token ids; `source` are those of an encoder. */
export interface IdsInput {
  source: readonly number[];
  ids: readonly number[];
}

/** A probe as the model read it at a step of its training. */
export interface StepInput {
  run: number;
  step: number;
  probe: number;
}

/** What is read as it is. */
export type PlainRequest = ({ type: "text" } & TextInput) | ({ type: "ids" } & IdsInput);

/** The same under edits. */
export interface UnderRequest {
  type: "under";
  edits: readonly Edit[];
  input: PlainRequest;
}

/** A request about the second of two models that are compared. */
export interface OtherRequest {
  type: "other";
  request: Exclude<Request, OtherRequest>;
}

export type Request =
  | { [T in keyof Forms]: { type: T } & { [F in Fields<Forms[T]>]: TypeOf<F> } }[keyof Forms]
  | PlainRequest
  | UnderRequest
  | OtherRequest;

export type RequestOf<T extends Request["type"]> = Extract<Request, { type: T }>;

/** A head of a layer. */
export type HeadPair = readonly [layer: number, head: number];

/** Which matrix: of one head, combined of several, or the rollout through layers up to one. */
export interface MatrixName {
  how: "head" | "mean" | "max" | "difference" | "rollout";
  /** The heads that it is made of; of a rollout [layer]. */
  where: readonly (HeadPair | readonly [layer: number])[];
  /** Whether the first key is left out. */
  withoutFirst: boolean;
}

/** The matrix of one head. */
export const headMatrix = (layer: number, head: number, withoutFirst = false): MatrixName => ({
  how: "head",
  where: [[layer, head]],
  withoutFirst,
});

// ── formatting ────────────────────────────────────────────────────────────────────────────────

/** The key of a request; `parseKey` takes it back. */
export function formatKey(request: Request): string {
  if (request.type === "text") return textKey(request);
  if (request.type === "other") return otherKey(formatKey(request.request));
  if (request.type === "ids") return `ids/${request.source.join()}/${request.ids.join()}`;
  if (request.type === "under")
    return `under/${JSON.stringify([request.edits, formatKey(request.input)])}`;
  const values = request as unknown as Record<string, unknown>;
  return FORMS[request.type].replace(/\{(\w+)\}/g, (_, name: string) =>
    name === "matrix"
      ? matrixText(values[name] as MatrixName)
      : name === "trace"
        ? traceText(values[name] as TraceName)
        : String(values[name] ?? NO_FOIL),
  );
}

function textKey({ text, pair, target, masked }: TextInput): string {
  return pair || target || masked.length > 0
    ? `read/${JSON.stringify([text, pair, target, masked])}`
    : `text/${text}`;
}

/** The name of a trace within a key; the same for the same trace, or the same two. */
export function traceText(name: TraceName): string {
  if (typeof name === "string") return name;
  const [one, other, anchors = []] = name;
  const byHand = anchors.map((anchor) => anchor.join(".")).join("+");
  return `${one}-${other}${byHand && `~${byHand}`}`;
}

/** The name of the trace of a probe at a step. */
export const stepTrace = ({ run, step, probe }: StepInput): string =>
  `t${(step * RUNS + run) * MOST_PROBES + probe + 1}`;

/** The name of a matrix within a key, and of the files that it is saved as. */
export const matrixText = ({ how, where, withoutFirst }: MatrixName): string =>
  `${withoutFirst ? SINKLESS : ""}${how}.${where.map((one) => one.join(".")).join("+")}`;

export const sameMatrix = (one: MatrixName | null, other: MatrixName | null): boolean =>
  (one && matrixText(one)) === (other && matrixText(other));

// ── parsing ───────────────────────────────────────────────────────────────────────────────────

const SINKLESS = "sinkless.";
const NO_FOIL = "-";
const LARGEST = 10 ** 9 - 1;
const MOST_EDITS = 1000;
const RUNS = 2; // of a training that a view shows
/** The largest numbers of a training. */
const MOST: Record<string, number> = { run: RUNS - 1, step: MOST_STEP, probe: MOST_PROBES - 1 };
const NUMBER = "(?:0|[1-9][0-9]{0,8})";
const ANY = "[^]*";
const NAME = `[^]{0,${LONGEST_NAME}}`;
const TRACE = "t[1-9][0-9]{0,8}";
const HEAD = `${NUMBER}\\.${NUMBER}`;
const ANCHORS = `${HEAD}(?:\\+${HEAD}){0,${MOST_ANCHORS - 1}}`;
const MATRIX = `(?:sinkless\\.)?(?:head\\.${HEAD}|rollout\\.${NUMBER}|difference\\.${HEAD}\\+${HEAD}|(?:mean|max)\\.${HEAD}(?:\\+${HEAD}){0,${MOST_HEADS - 1}})`;

const BOX = `(?:encoder\\.)?(?:block\\.${NUMBER}\\.)?[a-z][a-z0-9_]{0,31}`;

/** What fields match; all others are numbers. */
const PATTERNS: Record<string, string> = {
  trace: `${TRACE}(?:-${TRACE}(?:~${ANCHORS})?)?`,
  kind: KINDS.join("|"),
  stream: STREAMS.join("|"),
  pool: "max|mean",
  matrix: MATRIX,
  name: NAME,
  text: NAME,
  prompt: ANY,
  input: ANY,
  count: "[1-9][0-9]{0,8}",
  of: Object.keys(WAYS).join("|"),
  way: [...new Set(Object.values(WAYS).flat())].join("|"),
  on: `${NO_FOIL}|${NUMBER}`,
  foil: `${NO_FOIL}|${NUMBER}`,
  source: `(?:text|read)/${ANY}`,
  tower: TOWERS.join("|"),
  box: BOX,
};

const TEXTS = new Set([
  "kind",
  "stream",
  "pool",
  "name",
  "text",
  "prompt",
  "input",
  "of",
  "way",
  "source",
  "tower",
  "box",
]);

const patterns = Object.entries(FORMS).map(([type, form]) => {
  const fields = form
    .replaceAll(".", "\\.")
    .replace(/\{(\w+)\}/g, (_, name: string) => `(?<${name}>${PATTERNS[name] ?? NUMBER})`);
  return { type, pattern: new RegExp(`^${fields}$`) };
});

/** What a key requests; `null` for a key that none of the forms fits. */
export function parseKey(key: string): Request | null {
  if (key.length > LONGEST_KEY) return null;
  const [, head, rest] = /^(text|read|ids|under|other)\/([^]*)$/.exec(key) ?? [];
  if (head === "other") return parseOther(rest!);
  if (head === "under") return parseUnder(rest!);
  if (head === "text") return { type: "text", text: rest!, pair: "", target: "", masked: [] };
  if (head === "read") return parseRead(rest!);
  if (head === "ids") return parseIds(rest!);
  for (const { type, pattern } of patterns) {
    const found = pattern.exec(key);
    if (!found) continue;
    const { source } = found.groups ?? {};
    if (source !== undefined && !parseKey(source)) return null;
    const groups = Object.entries(found.groups ?? {});
    if (groups.some(([name, text]) => Number(text) > (MOST[name] ?? Infinity))) return null;
    const fields = groups.map(([name, text]) => [name, parseField(name, text)]);
    return { type, ...Object.fromEntries(fields) } as Request;
  }
  return null;
}

/** What a field means whose pattern fits. */
function parseField(name: string, text: string): unknown {
  if (name === "matrix") return parseMatrix(text);
  if (name === "trace") return parseTrace(text);
  if (TEXTS.has(name)) return text;
  return text === NO_FOIL ? null : Number(text);
}

function parseTrace(text: string): TraceName {
  const [names, byHand] = text.split("~") as [string, string | undefined];
  const [one, other] = names.split("-") as [string, string | undefined];
  if (other === undefined) return one;
  if (!byHand) return [one, other];
  return [one, other, byHand.split("+").map((anchor) => anchor.split(".").map(Number))] as never;
}

/** A name that the pattern of matrices fits. */
function parseMatrix(text: string): MatrixName {
  const withoutFirst = text.startsWith(SINKLESS);
  const [how, rest] = (withoutFirst ? text.slice(SINKLESS.length) : text).split(/\.(.*)/);
  const where = rest!.split("+").map((one) => one.split(".").map(Number));
  return { how, where, withoutFirst } as unknown as MatrixName;
}

function parseRead(rest: string): Request | null {
  const parts: unknown = parsedJson(rest);
  if (!Array.isArray(parts) || parts.length !== 4) return null;
  const [text, pair, target, masked] = parts as unknown[];
  if (![text, pair, target].every((one) => typeof one === "string")) return null;
  const isPosition = (one: unknown) => Number.isInteger(one) && Math.abs(one as number) <= LARGEST;
  if (!Array.isArray(masked) || masked.length > MOST_IDS) return null;
  if (!masked.every(isPosition)) return null;
  return { type: "text", text, pair, target, masked } as Request;
}

function parseUnder(rest: string): Request | null {
  const parts = parsedJson(rest);
  if (!Array.isArray(parts) || parts.length !== 2) return null;
  const [edits, key] = parts as [unknown, unknown];
  if (!Array.isArray(edits) || edits.length === 0 || edits.length > MOST_EDITS) return null;
  const input = typeof key === "string" ? parseKey(key) : null;
  if (input?.type !== "text" && input?.type !== "ids") return null;
  return { type: "under", edits: edits as Edit[], input };
}

const OF_SCOPE = new Set(["model", "search", "token", "text", "ids", "under"]);

function parseOther(rest: string): Request | null {
  const request = parseKey(rest);
  return request && OF_SCOPE.has(request.type) ? ({ type: "other", request } as Request) : null;
}

/** The key of what is asked of the second of two models that are compared. */
export const otherKey = (key: string): string => `other/${key}`;

export const isOtherKey = (key: string): boolean => key.startsWith("other/");

/** An input under edits; without any, as it is. */
export const underKey = (edits: readonly Edit[], key: string): string =>
  edits.length > 0 ? `under/${JSON.stringify([edits, key])}` : key;

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const IDS = new RegExp(`^(|${NUMBER}(?:,${NUMBER})*)/(${NUMBER}(?:,${NUMBER})*)$`);

function parseIds(rest: string): Request | null {
  const [, source, ids] = IDS.exec(rest) ?? [];
  if (ids === undefined || rest.split(",").length > MOST_IDS) return null;
  const numbers = (listed: string) => (listed ? listed.split(",").map(Number) : []);
  return { type: "ids", source: numbers(source!), ids: numbers(ids) };
}
