import {
  type MatrixName,
  type Request,
  type RequestOf,
  type TraceName,
  formatKey,
  matrixText,
  parseKey,
} from "../../protocol/keys";
import type { Kind } from "../../protocol/shared";
import type { RowsAnswer } from "../../protocol/answers";
import { type Part, type Source, SourceError } from "../../protocol/source";
import { problems } from "#words/problems";
import type { Content, Matrices } from "./content";
import { logitsOf } from "./logits";
import { type Whole, among, difference, thumbnails, tile, wholeMatrix } from "./weights";

const KEPT = 8; // matrices that were made last

/** The page itself answers: with what was stored in it, and with what follows from that. */
export class PageSource implements Source {
  #made = new Map<string, Whole | null>();

  constructor(private readonly content: Content) {
    // Numbers of edits are spelled as this language spells them.
    for (const key of Object.keys(content.answers)) {
      const request = /^(?:other\/)?under\//.test(key) ? parseKey(key) : null;
      if (request) content.answers[formatKey(request)] = content.answers[key]!;
    }
  }

  ask<T = Part>(key: string): Promise<T> {
    const found = this.#find(key);
    return typeof found === "string"
      ? Promise.reject(new SourceError(found, "not-in-page"))
      : Promise.resolve(found() as T);
  }

  lacks(key: string): string | null {
    const found = this.#find(key);
    return typeof found === "string" ? found : null;
  }

  close(): void {}

  /** A function that makes the answer; or, in words, why there is none. */
  #find(key: string): (() => Part) | string {
    const { answers, words } = this.content;
    const request = parseKey(key);
    const stored = answers[key];
    if (request?.type === "thumbnails" && stored) return () => this.#thumbnails(request, stored);
    // All steps of a training name the same tokens, which the page has once.
    if (request?.type === "training_step" && stored)
      return () => ({ ...stored, labels: this.content.labels });
    if (stored) return () => stored;
    if (request && "trace" in request && typeof request.trace !== "string")
      return words[key] ?? this.#difference(request);
    switch (request?.type) {
      case "page":
      case "call":
        return problems.isPage;
      case "search":
        return problems.takesModel.search;
      case "other": {
        const { type } = request.request;
        const isOfWords = type === "search" || type === "token";
        return isOfWords ? this.#find(formatKey(request.request)) : problems.takesModel.text;
      }
      case "under":
        return problems.takesModel.edits;
      case "text":
      case "ids":
      case "step_input":
        return problems.takesModel.text;
      case "token":
        // Labels come with the logits: what is asked for is one of the others.
        return () => ({ label: problems.otherToken });
      case "release":
        return () => ({});
      case "logits":
        return this.#logits(request.trace, request.position) ?? words.positions;
      case "node_logits":
        return this.#logits(GENERATED, request.node) ?? words.positions;
      case "steps":
        return words.steps;
      case "lens_block":
        return words.lens;
      case "effects":
        return words[key] ?? words.effects ?? problems.notHeld;
      case "patching":
        return words.patching ?? problems.notHeld;
      case "row":
      case "column":
      case "tile":
        return this.#attention(request);
    }
    if (request && GENERATING.has(request.type)) return problems.takesModel.writing;
    return words[key] ?? problems.notHeld;
  }

  /** What of two traces isn't stored. */
  #difference(request: Request): (() => Part) | string {
    if ("matrix" in request) return this.#attention(request);
    if (request.type === "lens_block") return this.content.words.lens;
    return /^(?:chain|distances|rows)$/.test(request.type) ? problems.notHeld : problems.notOfTwo;
  }

  #logits(trace: TraceName, position: number): (() => Part) | null {
    const found = this.content.logits.find(
      (one) => one.trace === trace && one.positions.includes(position),
    );
    return found
      ? () => logitsOf(found, found.positions.indexOf(position), this.content.labels)
      : null;
  }

  #thumbnails({ trace, kind, layer }: RequestOf<"thumbnails">, stored: Part): Part {
    if (stored.shades) return stored;
    const [heads] = (stored.scores as { shape: number[] }).shape;
    return { ...stored, shades: thumbnails(this.#matrices(trace, kind)!, layer, heads!) };
  }

  #attention(request: RequestOf<"row" | "column" | "tile">): (() => Part) | string {
    const { trace, kind, matrix } = request;
    const names = typeof trace === "string" ? [trace] : trace.slice(0, 2);
    const [one, other] = (names as string[]).map((name) => {
      const all = this.#matrices(name, kind);
      return all ? this.#whole(all, matrix) : null;
    });
    if (!one || other === null)
      return matrix.how === "rollout" ? problems.takesModel.rollout : this.content.words.heads;
    return () => partOf(other ? this.#less(one, other, request) : one, request);
  }

  /** One matrix less another; of two texts, of the tokens that both have. */
  #less(one: Whole, other: Whole, { trace, kind }: RequestOf<"row" | "column" | "tile">): Whole {
    const aligned = this.content.answers[formatKey({ type: "rows", trace })] as
      RowsAnswer | undefined;
    if (!aligned) return difference(one, other);
    const { pairs, source_pairs } = aligned;
    const [queries, keys] = [
      kind === "encoder" ? source_pairs : pairs,
      kind === "self" ? pairs : source_pairs,
    ];
    return difference(among(one, queries, keys, 0), among(other, queries, keys, 1));
  }

  #matrices(trace: TraceName, kind: Kind): Matrices | undefined {
    return this.content.matrices.find((one) => one.trace === trace && one.kind === kind);
  }

  #whole(all: Matrices, name: MatrixName): Whole | null {
    const key = `${all.trace}/${all.kind}/${matrixText(name)}`;
    const made = this.#made.get(key) ?? wholeMatrix(all, name);
    this.#made.delete(key);
    this.#made.set(key, made);
    if (this.#made.size > KEPT) this.#made.delete(this.#made.keys().next().value!);
    return made;
  }
}

/** How a page calls the trace of logits after nodes of a tree. */
const GENERATED = "write";

const GENERATING = new Set(["begin", "step", "step_on", "force", "select", "undo", "copy"]);

/** A tile, a row or a column of a matrix. */
function partOf(whole: Whole, request: RequestOf<"row" | "column" | "tile">): Part {
  if (request.type === "tile") return { ...tile(whole, request) };
  const { weights, queries, keys } = whole;
  const { index } = request;
  return line(
    request.type === "row"
      ? weights.subarray(index * keys, (index + 1) * keys)
      : Float32Array.from({ length: queries }, (_, q) => weights[q * keys + index]!),
  );
}

const line = (data: Float32Array): Part => ({ weights: { data, shape: [data.length] } });
