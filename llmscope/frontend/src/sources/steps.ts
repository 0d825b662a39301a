/** Steps of a training: what was kept of one answers all that is asked of its traces. */

import type { ReadonlySignal } from "@preact/signals";
import { sizeOf } from "../protocol/arrays";
import { type Request, formatKey, parseKey } from "../protocol/keys";
import { type TrainingAnswer, stepOfTrace } from "../protocol/training";
import { type AskOptions, type Part, type Source, SourceError } from "../protocol/source";
import { problems } from "#words/problems";
import { fill } from "../words/fill";
import type { Content } from "./page/content";
import { PageSource } from "./page/page";
import { TwoSteps } from "./two-steps";

/** Bytes of steps that are kept, beside those in sight. */
const MOST_BYTES = 128e6;
const LEAST_KEPT = 8; // whatever their size
/** Steps that are asked for before anybody wants them, in the direction of the last move and back. */
const AHEAD = [1, 2, 3, -1, 4, 5, 6, -2];
const AT_ONCE = 2; // of these

interface At {
  run: number;
  step: number;
}

/** A step that is here, or on its way. */
interface Kept {
  at: At;
  content: Promise<Content>;
  /** Once it is here. */
  source: PageSource | null;
  there: Content | null;
  bytes: number;
  /** How many wait for it: with nobody left it is asked for no more. */
  waiting: number;
  over: AbortController;
}

/** Takes the part in the first place of what is asked of a training's steps; all else goes through. */
export class StepsSource implements Source {
  declare readonly isGone?: ReadonlySignal<boolean>;
  #kept = new Map<string, Kept>(); // those used last at the end
  #pairs = new Map<string, TwoSteps>();
  /** The kept steps of each run, as the last answer said. */
  #steps: number[][] = [];
  #ahead: At[] = [];
  #last: At | null = null;

  constructor(private readonly source: Source) {
    if (source.isGone) this.isGone = source.isGone;
  }

  ask<T = Part>(key: string, options: AskOptions = {}): Promise<T> {
    const request = parseKey(key);
    const wanted = request ? stepsOf(request) : null;
    if (wanted) return this.#answer(key, wanted, options.signal) as Promise<T>;
    const own = request && this.#own(request);
    if (typeof own === "string") return Promise.reject(new SourceError(own, "not-in-page"));
    if (own) return Promise.resolve(own as T);
    if (!GROWS.has(request?.type ?? "")) return this.source.ask<T>(key, options);
    const onPart = (part: Part) => {
      this.#learn(part as unknown as TrainingAnswer);
      options.onPart?.(part);
    };
    return this.source.ask<T>(key, { ...options, onPart }).then((part) => {
      this.#learn(part as unknown as TrainingAnswer);
      return part;
    });
  }

  lacks(key: string): string | null {
    const request = parseKey(key);
    const wanted = request ? stepsOf(request) : null;
    if (!wanted) {
      const own = request && this.#own(request);
      return own ? (typeof own === "string" ? own : null) : this.source.lacks(key);
    }
    const missing = wanted.find((at) => !this.#kept.get(nameOf(at))?.source);
    if (missing) return this.#whyNot(missing);
    return this.#sourceOf(wanted).lacks(key);
  }

  holds(key: string): boolean {
    const request = parseKey(key);
    if (!request) return false;
    const wanted = stepsOf(request);
    if (!wanted) return this.#own(request) !== null;
    return wanted.every((at) => this.#kept.get(nameOf(at))?.source) && this.lacks(key) === null;
  }

  close(): void {
    for (const { over } of this.#kept.values()) over.abort();
    this.#kept.clear();
    this.source.close();
  }

  /** What is answered of no step: a part, words that refuse it, or `null` where the other source does. */
  #own({ type }: Request): Part | string | null {
    switch (type) {
      case "model": // The training says which.
      case "release":
        return {};
      case "token":
        return { label: problems.otherToken };
      case "search":
        return problems.takesModel.search;
      case "text":
      case "ids":
      case "under":
        return problems.takesModel.text;
    }
    return null;
  }

  async #answer(key: string, wanted: At[], signal?: AbortSignal): Promise<Part> {
    await Promise.all(wanted.map((at) => this.#read(at, signal)));
    if (wanted.length === 1) this.#lookAhead(wanted[0]!);
    return this.#sourceOf(wanted).ask(key);
  }

  /** What answers for a step, or for two, that are here. */
  #sourceOf(wanted: At[]): Source {
    const kept = wanted.map((at) => this.#kept.get(nameOf(at))!);
    if (kept.length === 1) return kept[0]!.source!;
    const name = wanted.map(nameOf).join();
    const known = this.#pairs.get(name);
    if (known) return known;
    const made = new TwoSteps([kept[0]!.there!, kept[1]!.there!]);
    if (this.#pairs.size >= LEAST_KEPT) this.#pairs.delete(this.#pairs.keys().next().value!);
    this.#pairs.set(name, made);
    return made;
  }

  /** Why a step that isn't here can't come, in words; `null` where it can be asked for. */
  #whyNot({ run, step }: At): string | null {
    if (this.#steps[run] && !this.#steps[run].includes(step))
      return fill(problems.steps.none, { step });
    if (this.source.lacks(keyOf({ run, step }))) return fill(problems.steps.notHeld, { step });
    return this.isGone?.peek() ? fill(problems.steps.takesKernel, { step }) : null;
  }

  #learn(answer: TrainingAnswer): void {
    this.#steps = answer.runs.map(({ steps }) => Array.from(steps.data));
  }

  // ── reading ───────────────────────────────────────────────────────────────────────────────

  /** Reads a step, unless it is here; ends when nobody waits for it any more. */
  #read(at: At, signal?: AbortSignal): Promise<Content> {
    const kept = this.#kept.get(nameOf(at)) ?? this.#begin(at);
    this.#touch(kept);
    if (kept.source) return kept.content;
    kept.waiting++;
    return new Promise((resolve, reject) => {
      const leave = () => {
        kept.waiting--;
        if (kept.waiting === 0 && !kept.source) this.#drop(kept);
        reject(signal!.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
      const settle =
        <A>(then: (value: A) => void) =>
        (value: A) => {
          signal?.removeEventListener("abort", leave);
          if (!signal?.aborted) kept.waiting--;
          then(value);
        };
      kept.content.then(settle(resolve), settle(reject));
    });
  }

  #begin(at: At): Kept {
    const over = new AbortController();
    const lacking = this.#whyNot(at);
    const content = lacking
      ? Promise.reject(new SourceError(lacking, "not-in-page"))
      : this.source.ask<Part>(keyOf(at), over).then((part) => part as unknown as Content);
    const kept: Kept = { at, content, source: null, there: null, bytes: 0, waiting: 0, over };
    this.#kept.set(nameOf(at), kept);
    content.then(
      (there) => {
        kept.there = there;
        kept.source = new PageSource(there);
        kept.bytes = sizeOf(there);
        this.#forget();
        this.#pump();
      },
      () => {
        this.#drop(kept);
        this.#pump();
      },
    );
    return kept;
  }

  #touch(kept: Kept): void {
    this.#kept.delete(nameOf(kept.at));
    this.#kept.set(nameOf(kept.at), kept);
  }

  #drop(kept: Kept): void {
    kept.over.abort();
    if (this.#kept.get(nameOf(kept.at)) === kept) this.#kept.delete(nameOf(kept.at));
  }

  /** Lets go of the steps that were used longest ago, once there are too many. */
  #forget(): void {
    let bytes = 0;
    for (const kept of this.#kept.values()) bytes += kept.bytes;
    for (const kept of [...this.#kept.values()]) {
      if (bytes <= MOST_BYTES || this.#kept.size <= LEAST_KEPT) return;
      if (!kept.source) continue;
      bytes -= kept.bytes;
      this.#drop(kept);
    }
  }

  // ── ahead ─────────────────────────────────────────────────────────────────────────────────

  #lookAhead(at: At): void {
    const before = this.#last;
    if (before?.run === at.run && before.step === at.step) return;
    this.#last = at;
    const steps = this.#steps[at.run] ?? [];
    const here = steps.indexOf(at.step);
    const back = before?.run === at.run && before.step > at.step ? -1 : 1;
    this.#ahead = AHEAD.flatMap((by) => steps[here + back * by] ?? [])
      .map((step) => ({ run: at.run, step }))
      .filter((one) => here >= 0 && !this.#kept.has(nameOf(one)));
    this.#pump();
  }

  #pump(): void {
    const underWay = [...this.#kept.values()].filter(({ source }) => !source).length;
    for (const at of this.#ahead.splice(0, Math.max(0, AT_ONCE - underWay)))
      if (!this.#kept.has(nameOf(at))) this.#begin(at);
  }
}

const GROWS = new Set(["training", "training_run"]);

const nameOf = ({ run, step }: At): string => `${run}/${step}`;

const keyOf = ({ run, step }: At): string => formatKey({ type: "training_step", run, step });

/** The steps that a request is about: one, or two that are held against each other. */
function stepsOf(request: Request): At[] | null {
  if (request.type === "step_input") return [request];
  if (!("trace" in request)) return null;
  const names = typeof request.trace === "string" ? [request.trace] : request.trace.slice(0, 2);
  return (names as string[]).map(stepOfTrace);
}

/** Where a view shows a training, its steps answer. */
export const withSteps = (source: Source, panels: unknown): Source =>
  (panels as string[]).includes("training") ? new StepsSource(source) : source;
