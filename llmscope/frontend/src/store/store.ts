import { type ReadonlySignal, type Signal, batch, computed, effect, signal } from "@preact/signals";
import { type Outcome, type Settings, sample } from "../sampling/sampling";
import { type Source, SourceError } from "../protocol/source";
import type {
  ChainAnswer,
  Facts,
  FollowsAnswer,
  Kind,
  LogitsAnswer,
  SearchAnswer,
  TokenRow,
  TraceAnswer,
} from "../protocol/answers";
import { AttentionStore } from "./attention/store";
import { LensStore } from "./lens";
import { Loading } from "./models";
import { behind, focusOf, logits, logitsKey, nextOf, placeOf } from "./next-token";
import { Reader } from "./request-cache";
import { keyOf } from "./text-input";
import { type NextToken, type Problem, type State, TRAITS } from "./state";
import { type Traits, bindTraits } from "./traits";
import { Writer } from "./editor";
import { WritingStore } from "./generation";

const SLOW = 500; // ms, after which the view says what it waits for
const VERY_SLOW = 3000;
const PAUSE = 400; // ms between distributions of a text that writes itself

/** The text, or what a decoder has written. */
export type Side = "tokens" | "target";

/**
 * All that the panels show, and the only place that asks the source.
 * Data goes one way: traits and gestures set signals, effects ask, answers set signals.
 */
export class Store {
  readonly state: { [K in keyof State]: Signal<State[K]> };
  readonly loading: Loading;
  readonly model: ReadonlySignal<Facts | null>;
  readonly trace = signal<TraceAnswer | null>(null);
  readonly next = signal<NextToken | null>(null);
  readonly chain = signal<(ChainAnswer & { trace: TraceAnswer }) | null>(null);
  /** How likely the second sentence follows the first. */
  readonly follows = signal<(FollowsAnswer & { trace: TraceAnswer }) | null>(null);
  readonly problem = signal<Problem | null>(null);
  readonly waiting = signal<string | null>(null);

  /** The token under the mouse. */
  readonly hovered = signal<number | null>(null);

  readonly focus: ReadonlySignal<number>;
  readonly attention: AttentionStore;
  readonly lens: LensStore;
  readonly writer: Writer;
  /** Where the text writes itself; its trace is then that of what was written. */
  readonly writing: WritingStore | null;
  readonly settings: ReadonlySignal<Settings>;
  readonly outcome: ReadonlySignal<Outcome | null>;
  readonly behind: ReadonlySignal<boolean>;
  /** Why there is no next token for the token in focus, in words. */
  readonly lacking: ReadonlySignal<string | null>;

  readonly #views = signal(0);
  /** Nothing is asked for while nobody sees the widget. */
  readonly #isSeen = computed(() => this.#views.value > 0);
  readonly #wantsNext = computed(() => {
    const { panels, editable } = this.state;
    const isShown = panels.value.includes("next-token") || editable.value;
    return isShown && this.model.value?.family !== "encoder";
  });
  #reader: Reader;
  #ends: (() => void)[] = [];
  #text: AbortController | null = null;
  #asking = false;
  #labels = new Map<number, Signal<string | null>>();

  constructor(
    private readonly source: Source,
    traits: Traits,
  ) {
    const { signals, dispose } = bindTraits<State>(traits, TRAITS);
    this.state = signals;
    this.#reader = new Reader(source);
    this.loading = new Loading(source, (error) => this.#report(error));
    this.model = this.loading.model;
    this.focus = computed(() => focusOf(this.trace.value, signals.position.value));
    this.settings = computed(() => ({
      temperature: signals.temperature.value,
      topK: signals.topK.value,
      topP: signals.topP.value,
      minP: signals.minP.value,
      typicalP: signals.typicalP.value,
      order: signals.order.value,
    }));
    this.outcome = computed(() => {
      const next = this.next.value;
      if (!next) return null;
      return sample(next.sorted, this.settings.value);
    });
    const core = {
      state: signals,
      source,
      model: this.model,
      trace: this.trace,
      next: this.next,
      focus: this.focus,
      isSeen: this.#isSeen,
      reader: () => this.#reader,
      lacks: (key: string) => this.lacks(key),
      report: (error: unknown) => this.#report(error),
    };
    this.writing = signals.panels.peek().includes("generation") ? new WritingStore(core) : null;
    this.writer = new Writer(core);
    this.behind = computed(() => !this.writing && this.writer.behind.value);
    this.lacking = computed(() => {
      const trace = this.trace.value;
      if (!trace || !this.#wantsNext.value) return null;
      const { writing } = this;
      return this.lacks(
        writing ? `write/logits/${writing.shown.value}` : logitsKey(trace, this.focus.value),
      );
    });
    this.#ends = [
      dispose,
      effect(() => this.#followText()),
      effect(() => this.#followPosition()),
      effect(() => this.#followTrace()),
      // What one way of showing attention can't do is no problem of another.
      effect(() => {
        void signals.mode.value;
        this.problem.value = null;
      }),
    ];
    this.attention = new AttentionStore(core);
    this.lens = new LensStore(core, () => this.model.value?.layers ?? 0);
  }

  close(): void {
    this.#text?.abort();
    this.loading.stop();
    this.#ends.forEach((end) => end());
    this.attention.close();
    this.lens.close();
    this.writing?.close();
    this.#reader.clear();
    this.source.close();
  }

  /** The widget came on screen once more (1), or left it (-1). */
  look(change: 1 | -1): void {
    this.#views.value += change;
    if (this.#views.peek() > 0) return;
    this.#text?.abort();
    this.#reader.clear();
    this.#reader = new Reader(this.source);
    // What the kernel holds for nobody can be made again.
    this.source.ask("release").catch(() => {});
  }

  // ── gestures ──────────────────────────────────────────────────────────────────────────────

  /** Pins a token of the text, or of what the decoder has written, in an attention that has it. */
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

  /** Goes back one step of selection: a locked head, a pinned cell, then a pinned token. */
  escape(): void {
    if (!this.attention.escape()) this.state.position.value = -1;
  }

  /** Why a key can't be answered here, in words; `null` where it can. */
  lacks(key: string): string | null {
    return this.source.lacks(key);
  }

  /** Tokens of the vocabulary whose text holds these words. */
  search(words: string, signal: AbortSignal): Promise<SearchAnswer> {
    return this.source.ask<SearchAnswer>(`vocabulary/${words}`, { signal });
  }

  /** The label of any token, once it is there. */
  label(id: number): ReadonlySignal<string | null> {
    const known = this.#labels.get(id);
    if (known) return known;
    const label = signal<string | null>(null);
    this.#labels.set(id, label);
    this.source
      .ask<{ label: string }>(`token/${id}`)
      .then((answer) => (label.value = answer.label))
      .catch(() => (label.value = `token ${id}`));
    return label;
  }

  // ── asking ────────────────────────────────────────────────────────────────────────────────

  #followText(): void {
    const { path } = this.state;
    if (!this.model.value || !this.#isSeen.value) return;
    // What was written is traced once it rests.
    const key = this.writing ? this.writing.settled.value : this.writer.key.value;
    this.#text?.abort();
    if (this.writing && !this.writing.prompt.value && this.trace.peek()) this.#empty();
    if (key === null) return;
    if (this.writing) path.value = key; // linked views follow
    if (this.trace.peek()?.asked === key) {
      if (!this.writing) this.problem.value = null;
      return;
    }
    const latest = (this.#text = new AbortController());
    void this.#read(key, latest.signal);
  }

  /** The distribution behind the token that is looked at, the newest first. */
  #followShown(writing: WritingStore): void {
    const node = writing.shown.value;
    const prompt = writing.prompt.value;
    const model = this.model.value;
    if (!prompt || !model || model.family === "encoder" || !this.#isSeen.value) return;
    if (this.lacks(`write/logits/${node}`)) return;
    if (this.#asking) return;
    this.#asking = true;
    this.source
      .ask<LogitsAnswer>(`write/logits/${node}`)
      .then((answer) => {
        if (!writing.prompt.peek()) return; // It was taken away meanwhile.
        const rows = writing.pathTo(node);
        const tokens = [
          ...prompt,
          ...rows.map(({ token, label }): TokenRow => [token, label, 0, 0, false]),
        ];
        this.next.value = nextOf(answer, behind(tokens), tokens.length - 1);
      })
      .catch((error: unknown) => {
        writing.stop();
        if (!isGone(error)) this.next.value = null; // It was of another token.
        this.#report(error);
      })
      .finally(async () => {
        // Nobody reads more of them than a few a second, and each takes time from the model.
        if (this.state.playing.peek()) await new Promise((done) => setTimeout(done, PAUSE));
        this.#asking = false;
        if (writing.shown.peek() !== node) this.#followShown(writing);
      });
  }

  async #read(key: string, signal: AbortSignal): Promise<void> {
    const done = this.#sayWhenSlow();
    const { state, writer } = this;
    const reading = writer.reading.peek();
    try {
      const answer = await this.source.ask<TraceAnswer>(key, { signal });
      // Positions that were told from the end are known now.
      const asked = key.startsWith("read/") ? keyOf({ ...reading, masked: answer.masked }) : key;
      const trace = { ...answer, asked };
      const chosen = state.position.peek();
      const position = chosen < 0 && trace.gaps.length > 0 ? trace.gaps.at(-1)! : chosen;
      const focus = focusOf(trace, position);
      const reader = new Reader(this.source);
      const isThere =
        !this.writing && this.#wantsNext.peek() && !this.lacks(logitsKey(trace, focus));
      const next = isThere ? await logits(reader, trace, focus, signal) : null;
      if (signal.aborted) return;
      batch(() => {
        this.#reader.clear();
        this.#reader = reader;
        this.trace.value = trace;
        if (state.position.peek() === chosen) state.position.value = position;
        this.hovered.value = null;
        this.attention.cell.value = null;
        if (!this.writing) {
          this.next.value = next;
          if (state.path.peek() || asked !== key) writer.follow(trace);
          this.problem.value = null;
        }
      });
    } catch (error) {
      if (signal.aborted) return;
      if (key === "text/" || (this.writing && !isGone(error))) this.#empty();
      if (key !== "text/") this.#report(error);
    } finally {
      done();
    }
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

  #followPosition(): void {
    if (this.writing) return this.#followShown(this.writing);
    const trace = this.trace.value;
    const focus = this.focus.value;
    const next = this.next.peek();
    if (!trace || !this.#isSeen.value || !this.#wantsNext.value || this.lacking.value) return;
    if (next?.trace === trace && next.position === placeOf(trace, focus)) return;
    const ask = () => logits(this.#reader, trace, focus);
    void this.#into(this.next, ask, trace, () => this.focus.peek() === focus);
  }

  #followTrace(): void {
    const trace = this.trace.value;
    const family = this.model.peek()?.family;
    const panels = this.state.panels.value;
    if (!trace || !this.#isSeen.value) return;
    if (trace.pair && panels.includes("tokens")) {
      const ask = () => this.#reader.read<FollowsAnswer>(`${trace.trace}/follows`);
      void this.#into(this.follows, async () => ({ ...(await ask()), trace }), trace);
    }
    const writes = family === "causal" || family === "encoder-decoder";
    if (panels.includes("tokens") && writes && trace.last > 0) {
      const ask = async () => {
        await null; // It takes long: what the other panels ask for goes first.
        return { ...(await this.#reader.read<ChainAnswer>(`${trace.trace}/chain`)), trace };
      };
      void this.#into(this.chain, ask, trace);
    } else {
      this.chain.value = null;
    }
  }

  /** Puts an answer into a signal, unless the text or what was wanted has changed meanwhile. */
  async #into<T>(
    target: Signal<T | null>,
    ask: () => Promise<T>,
    trace: TraceAnswer,
    stillWanted: () => boolean = () => true,
  ): Promise<void> {
    try {
      const answer = await ask();
      if (this.trace.peek() === trace && stillWanted()) target.value = answer;
    } catch (error) {
      if (this.trace.peek() === trace) this.#report(error);
    }
  }

  #report(error: unknown): void {
    if (error instanceof DOMException && error.name === "AbortError") return;
    if (error === null) {
      this.problem.value = null;
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    const kind = error instanceof SourceError ? error.kind : "error";
    this.problem.value = { message, kind };
  }

  #sayWhenSlow(): () => void {
    const slow = setTimeout(() => (this.waiting.value = "Reading the text…"), SLOW);
    const verySlow = setTimeout(
      () => (this.waiting.value = "Still reading. A running cell may keep the kernel busy."),
      VERY_SLOW,
    );
    return () => {
      clearTimeout(slow);
      clearTimeout(verySlow);
      this.waiting.value = null;
    };
  }
}

/** Whether there is no kernel any more: what came from it stays, for the page to work with. */
const isGone = (error: unknown): boolean => error instanceof SourceError && error.kind === "gone";
