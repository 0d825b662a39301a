import { type ReadonlySignal, type Signal, batch, computed, effect, signal } from "@preact/signals";
import { type Facts, type KeptAnswer, type Trace } from "../protocol/answers";
import { type Request, formatKey } from "../protocol/keys";
import type { Point } from "../protocol/lesson";
import type { Kind } from "../protocol/shared";
import { type AskOptions, type Source, SourceError } from "../protocol/source";
import { type Outcome, type Settings, sample } from "../sampling/sampling";
import { problems as words } from "#words/problems";
import { AttentionStore } from "./attention/store";
import { followTelling } from "./attention/telling";
import { type Chain, followChain } from "./chain";
import { Comparing } from "./comparing";
import type { Core } from "./core";
import { Editor } from "./editor";
import { Effects } from "./effects";
import { History } from "./history";
import { GenerationStore } from "./generation";
import { HeldStep } from "./held";
import { GeneratedInput, type Input, TypedInput } from "./input";
import { LastingAnswers } from "./lasting";
import { LensStore } from "./lens";
import { ModelStore } from "./model";
import { Models } from "./models";
import { focusOf } from "./next-token";
import { type Found, Reading } from "./reading";
import { RequestCache } from "./request-cache";
import { CountedSource, Settling } from "./settling";
import type { Sides } from "./sides";
import { type NextToken, type Problem, type State, TRAITS } from "./state";
import { isEmptyKey } from "./text-input";
import { TrainingStore } from "./training";
import { Vocabulary } from "./vocabulary";
import { WhatIf } from "./what-if";
import { type Bound, type Traits, bindTraits } from "./traits";

const NONE = signal(null);
const NEVER = signal(false);

/** The text, or that of the decoder. */
export type Side = "tokens" | "target";

/**
 * All that the panels show, and the only place that asks the source.
 * Data goes one way: traits and gestures set signals, effects ask, answers set signals.
 */
export class Store {
  readonly state: { [K in keyof State]: Signal<State[K]> };
  readonly models: Models;
  readonly vocabulary: Vocabulary;
  readonly model: ReadonlySignal<Facts | null>;
  readonly trace = signal<Trace | null>(null);
  readonly next = signal<NextToken | null>(null);
  readonly chain = signal<Chain | null>(null);
  readonly problem = signal<Problem | null>(null);
  readonly waiting = signal<string | null>(null);

  /** Whether the list of next tokens is in sight. */
  readonly answersInSight = signal(false);
  /** The panel that a person was led to, until it is in sight. */
  readonly revealed = signal<string | null>(null);
  /** The token under the mouse. */
  readonly hovered = signal<number | null>(null);
  /** What a slide points at. */
  readonly pointed = signal<readonly Point[]>([]);

  readonly focus: ReadonlySignal<number>;
  readonly attention: AttentionStore;
  readonly lens: LensStore;
  readonly anatomy: ModelStore;
  readonly whatIf: WhatIf;
  /** Where two texts, or models, are side by side. */
  readonly comparing: Comparing | null;
  /** What is shown of two traces: that are compared, of a text under edits, or of two steps. */
  readonly sides: Sides;
  readonly effects: Effects;
  /** Where text is generated; the trace is then of that. */
  readonly generation: GenerationStore | null;
  /** Where a model learns, or has learned; the trace is then of one of its steps. */
  readonly training: TrainingStore | null;
  readonly lasting: LastingAnswers;
  readonly input: Input;
  readonly settings: ReadonlySignal<Settings>;
  /** Whether tokens are sampled: nobody fills a gap by chance. */
  readonly samples: ReadonlySignal<boolean>;
  readonly history: History;
  readonly outcome: ReadonlySignal<Outcome | null>;
  /** Why there is no next token for the token in focus, in words. */
  readonly lacking: ReadonlySignal<string | null>;
  /** Whether the kernel is lost: what was read of it stays, and sliders go on. */
  readonly isGone: ReadonlySignal<boolean>;
  /** Whether what is shown is of a text before, for good: nobody reads the one on screen. */
  readonly isOld: ReadonlySignal<boolean>;
  /** Whether nothing is asked for, nothing is unsaved, and all is painted. */
  readonly settled: ReadonlySignal<boolean>;
  readonly setAhead: Bound<State>["setAhead"];

  readonly #views = signal(0);
  readonly #isSeen = computed(() => this.#views.value > 0);
  readonly #uncounted: Source;
  readonly #source: CountedSource;
  readonly #settling: Settling;
  #cache: RequestCache;
  #ends: (() => void)[];
  readonly #reading: Reading;
  /** The count of readings that the trace on screen is of. */
  #reads: number | undefined;
  readonly #editor: Editor;
  readonly #core: Core;
  readonly #held: HeldStep | null;

  constructor(source: Source, traits: Traits) {
    this.#uncounted = source;
    this.#source = new CountedSource(source);
    this.isGone = source.isGone ?? NEVER;
    this.#cache = new RequestCache(this.#source);
    this.lasting = new LastingAnswers(this.#source, this.say);
    const bound = bindTraits<State>(traits, TRAITS, () => this.touch());
    this.setAhead = bound.setAhead;
    const state = (this.state = bound.signals);
    this.#settling = new Settling(
      () => this.#source.pending > 0 || !bound.isSaved() || state.playing.peek(),
    );
    this.settled = this.#settling.settled;
    this.models = new Models(this.#source, this.say, this.state);
    this.vocabulary = new Vocabulary(this.#source, () => this.#isOther);
    this.model = computed(() => {
      if (this.training) return this.training.model.value;
      return (this.#isOther ? this.comparing!.model : this.models.current).value;
    });
    this.focus = computed(() => focusOf(this.trace.value, state.position.value));
    this.settings = computed(() => ({
      temperature: state.temperature.value,
      topK: state.topK.value,
      topP: state.topP.value,
      minP: state.minP.value,
      typicalP: state.typicalP.value,
      order: state.order.value,
    }));
    this.samples = computed(() =>
      /^(causal|encoder-decoder)$/.test(this.model.value?.family ?? ""),
    );
    this.history = new History(state, (name) => traits.get(TRAITS[name]) !== state[name].peek());
    this.outcome = computed(() => {
      const next = this.next.value;
      return next && sample(next.sorted, this.settings.value);
    });
    const core: Core = (this.#core = {
      state,
      model: this.model,
      trace: this.trace,
      next: this.next,
      focus: this.focus,
      isSeen: this.#isSeen,
      isGone: this.isGone,
      ask: (request, options) => this.#ask(request, options),
      cache: () => this.#cache,
      lacks: (request) => this.lacks(request),
      report: this.say,
    });
    const wantsNext = computed(() => {
      const isShown = state.panels.value.includes("next-token") || state.editable.value;
      return isShown && this.model.value?.family !== "encoder";
    });
    this.#editor = new Editor(core);
    this.comparing = state.panels.peek().includes("texts")
      ? new Comparing(core, this.#editor, () => this.attention.kind.value)
      : null;
    this.generation = state.panels.peek().includes("generation") ? new GenerationStore(core) : null;
    this.training = state.panels.peek().includes("training")
      ? new TrainingStore(core, this.lasting)
      : null;
    this.input = this.generation
      ? new GeneratedInput(core, this.generation, wantsNext)
      : new TypedInput(core, () => this.editor, wantsNext, this.training?.key);
    const isTyped = !this.generation && !this.comparing && !this.training;
    this.#reading = new Reading(core, this.#source, this.input, isTyped, {
      show: (found, key, isLatest) => this.#show(found, key, isLatest),
      fail: (error, key) => this.#fail(error, key),
      waiting: this.waiting,
    });
    this.whatIf = new WhatIf(core, this.#editor.plainKey, isTyped);
    this.#held =
      this.training && new HeldStep(core, this.training, () => this.attention.kind.value);
    this.sides = this.comparing ?? this.#held ?? this.whatIf;
    this.isOld = computed(() => this.isGone.value && this.input.isUnread.value);
    this.lacking = computed(() => {
      const request = this.input.nextRequest.value;
      return request && this.lacks(request);
    });
    this.attention = new AttentionStore(core, this.sides);
    this.effects = new Effects(core, this.attention.kind);
    this.lens = new LensStore(core, this.sides, () => this.model.value?.layers ?? 0);
    this.anatomy = new ModelStore(core, () => this.attention.kind.value);
    this.#ends = [bound.dispose, () => this.lasting.close(), ...this.#start()];
  }

  /** Starts what follows the signals, once all parts are there. */
  #start(): (() => void)[] {
    this.#source.onChange = () => this.touch();
    this.models.start();
    return [
      this.generation?.start() ?? (() => {}),
      this.training?.start() ?? (() => {}),
      this.history.start(),
      this.input.start(),
      effect(() => this.#followInput()),
      effect(() => this.input.followNext()),
      effect(() => followChain(this.#core, this.chain, (request) => this.answer(request))),
      // What one way of showing attention can't do is no problem of another.
      effect(() => {
        void this.state.mode.value;
        this.problem.value = null;
      }),
      this.attention.start(),
      this.comparing?.start() ?? followTelling(this, this.attention),
      this.lens.start(),
      this.anatomy.start(),
      this.whatIf.start(),
      this.#held?.start() ?? (() => {}),
      this.effects.start(),
    ];
  }

  /** Whether the second of two that are compared is on screen. */
  get #isOther(): boolean {
    return this.comparing?.side.value === "b";
  }

  /** What types into the text on screen. */
  get editor(): Editor {
    return this.#isOther ? this.comparing!.editor : this.#editor;
  }

  close(): void {
    this.#reading.stop();
    this.models.stop();
    this.generation?.close();
    this.#ends.forEach((end) => end());
    this.#cache.clear();
    this.#source.close();
    this.#settling.close();
  }

  /** Something happened on screen that may lead to more: `settled` waits for that. */
  touch(): void {
    this.#settling?.touch();
  }

  /** The widget came on screen once more (1), or left it (-1). */
  look(change: 1 | -1): void {
    this.#views.value += change;
    if (this.#views.peek() > 0) return;
    this.#reading.stop();
    this.#cache.clear();
    this.#cache = new RequestCache(this.#source);
    // What the kernel holds for nobody can be made again.
    this.#ask({ type: "release" }).catch(() => {});
  }

  // ── gestures ──────────────────────────────────────────────────────────────────────────────

  /** Takes over sampling settings. */
  set(settings: Partial<Settings>): void {
    batch(() => {
      for (const [name, value] of Object.entries(settings))
        (this.state[name as keyof Settings] as Signal<unknown>).value = value;
    });
  }

  /** Pins a token of the text, or of the decoder's, in an attention that has it. */
  pin(index: number, side: Side = "tokens"): void {
    const { kind } = this.attention;
    if (!this.trace.peek()?.target.length) {
      this.state.position.value = index;
      return;
    }
    const away: Kind = side === "target" ? "encoder" : "self";
    const near: Kind = side === "target" ? "cross" : "encoder";
    batch(() => {
      if (kind.peek() === away) this.state.kind.value = near;
      this.attention.pin(kind.value === "cross" && side === "tokens" ? "to" : "from", index);
    });
  }

  /** The token in focus on one side of the text; -1 where it is on the other. */
  here(side: Side): number {
    const { sides, pinned } = this.attention;
    const { queries, keys } = sides.value;
    const own = this.state.direction.value === "from" ? queries : keys;
    return own === this.trace.value?.[side] ? pinned.value : -1;
  }

  /** Goes back one step of selection: a pinned cell, then a pinned token. */
  escape(): void {
    if (!this.attention.escape()) this.state.position.value = -1;
  }

  /** Why a request can't be answered here, in words; `null` where it can. */
  lacks(request: Request): string | null {
    const key = formatKey(request);
    const lacking = this.#source.lacks(key);
    if (lacking || !this.isGone.value || this.#source.holds(key)) return lacking;
    const parts = [this.#cache, this.lasting, this.input, this.attention];
    return parts.some((part) => part.has(request)) ? null : words.needsKernel;
  }

  /**
   * The answer to a request about the trace on screen; `null` until it is there, while nobody sees the
   * widget, and where `lacks` says why there is none.
   */
  answer<T>(request: Request): ReadonlySignal<T | null> {
    if (!this.#isSeen.value || this.lacks(request)) return NONE;
    return this.#cache.watch<T>(request, this.say);
  }

  /** What a saved notebook shows of the view; settling doesn't wait for it. */
  keep(signal: AbortSignal): Promise<KeptAnswer> {
    return this.#uncounted.ask<KeptAnswer>(formatKey({ type: "kept" }), { signal });
  }

  /** The view as a page of its own. */
  async page(): Promise<string> {
    return (await this.#ask<{ html: string }>({ type: "page" })).html;
  }

  /** The Python that makes the view as it is. */
  async call(): Promise<string> {
    return (await this.#ask<{ call: string }>({ type: "call" })).call;
  }

  // ── asking ────────────────────────────────────────────────────────────────────────────────

  #ask<T>(request: Request, options?: AskOptions): Promise<T> {
    return this.#source.ask<T>(formatKey(request), options);
  }

  #followInput(): void {
    if (!this.model.value || !this.#isSeen.value) return;
    const key = this.input.key.value;
    const reads = this.state.reads.value;
    const isRead = this.trace.peek()?.input === key && this.#reads === reads;
    if (key === null || isRead) this.#reading.stop();
    if (this.input.isEmpty.value && this.trace.peek()) this.#empty();
    if (key === null) return;
    if (isRead) this.input.confirm();
    else this.#reading.read(key);
  }

  #show({ trace, next, cache, reads, chosen, position }: Found, key: string, isLatest: boolean) {
    batch(() => {
      this.#cache.clear();
      this.#cache = cache;
      this.trace.value = trace;
      this.#reads = reads;
      this.hovered.value = null;
      this.attention.cell.value = null;
      if (!isLatest) return void (this.next.value = next);
      if (this.state.position.peek() === chosen) this.state.position.value = position;
      this.input.accept(trace, next, trace.input !== key);
    });
  }

  #fail(error: unknown, key: string): void {
    if (this.input.isLost(key, error)) this.#empty();
    if (!isEmptyKey(key)) this.say(error);
  }

  #empty(): void {
    batch(() => {
      this.trace.value = null;
      this.next.value = null;
      this.chain.value = null;
      this.attention.clear();
      this.problem.value = null;
    });
  }

  /** Says what went wrong. */
  readonly say = (error: unknown): void => {
    if (error instanceof DOMException && error.name === "AbortError") return;
    if (error === null) return void (this.problem.value = null);
    const message = error instanceof Error ? error.message : String(error);
    const kind = error instanceof SourceError ? error.kind : "error";
    if (this.isGone.peek() && kind === "gone") return; // It is said once, as long as it is so.
    this.problem.value = { message, kind };
  };
}
