import { type ReadonlySignal, batch, computed, effect, signal } from "@preact/signals";
import {
  type CopyAnswer,
  type GenerationAnswer,
  type Token,
  type TreeNode,
  tokenOf,
} from "../protocol/answers";
import { type Request, formatKey } from "../protocol/keys";
import type { Shade } from "../protocol/shared";
import type { Core } from "./core";

/** Steps that one request asks for at full speed: each costs Jupyter messages and a redraw. */
const BURST = 16;
/** Requests that are under way, so that the model needn't wait for the page. */
const AHEAD = 2;
const FEW = 4;

/** The generated text, and its branches. */
export class GenerationStore {
  readonly prompt = signal<Token[] | null>(null);
  /** In the order of their numbers, of which some are missing once one was undone; 0 is the prompt. */
  readonly nodes = signal<readonly TreeNode[]>([]);
  readonly current = signal(0);
  readonly ended = signal(false);
  readonly canUndo = signal(false);
  /** The prompt that what is shown goes on from. */
  readonly begun = signal("");
  readonly hovered = signal<number | null>(null);
  /** The ends of other paths, which are shown beside the current one. */
  readonly compared = signal<readonly number[]>([]);
  /** The one of these that a token is looked at of. */
  readonly beside = signal<number | null>(null);
  readonly folded = signal<ReadonlySet<number>>(new Set());
  /** How many actions are under way. */
  readonly pending = signal(0);

  /** Nodes from the prompt to where the next token goes. */
  readonly path: ReadonlySignal<readonly TreeNode[]>;
  /** Nodes of the path that is looked at. */
  readonly shownPath: ReadonlySignal<readonly TreeNode[]>;
  /** The token that is looked at; `null` is the one that comes next. */
  readonly selected: ReadonlySignal<number | null>;
  /** The node whose next token is shown: before the token that is looked at. */
  readonly shown: ReadonlySignal<number>;
  /** The key of what is looked at, once it rests. */
  readonly input: ReadonlySignal<string | null>;

  #source: number[] = [];
  readonly #byNumber = computed(() => new Map(this.nodes.value.map((node) => [node.number, node])));
  readonly #children = computed(() => {
    const found = new Map<number, TreeNode[]>();
    for (const node of this.nodes.value) {
      const siblings = found.get(node.parent);
      if (siblings) siblings.push(node);
      else found.set(node.parent, [node]);
    }
    return found;
  });
  #closed = false;

  constructor(private readonly core: Core) {
    const { state } = core;
    this.path = computed(() => this.pathTo(this.current.value));
    this.shownPath = computed(() => {
      const end = this.beside.value;
      return end !== null && this.compared.value.includes(end) ? this.pathTo(end) : this.path.value;
    });
    // What is in focus is the token that chose the one that is looked at, here as in linked views.
    this.selected = computed(() => {
      const after = state.position.value - (this.prompt.value?.length ?? 0) + 1;
      return this.shownPath.value[after]?.number ?? null;
    });
    this.shown = computed(() => {
      const at = this.hovered.value ?? this.selected.value;
      const node = at === null ? undefined : this.node(at);
      return node ? node.parent : this.current.value;
    });
    this.input = computed(() => {
      const prompt = this.prompt.value;
      if (!prompt || state.playing.value || this.pending.value > 0) return null;
      const ids = [
        ...prompt.map(({ id }) => id),
        ...this.shownPath.value.map(({ token }) => token),
      ];
      return formatKey({ type: "ids", source: this.#source, ids });
    });
  }

  start(): () => void {
    const { core } = this;
    const { state } = core;
    const hasBegun = computed(() => this.prompt.value !== null);
    const ends = [
      effect(() => {
        const prompt = state.text.value;
        if (!core.isSeen.value) return;
        if (prompt) void this.#begin(prompt);
        else this.#clear();
      }),
      // A text that has ended may go on once it may be longer.
      effect(() => {
        void state.maxNewTokens.value;
        if (this.prompt.peek()) void this.#act(beginning(state.text.peek()), { anew: true });
      }),
      effect(() => {
        if (!state.playing.value || !core.isSeen.value || !hasBegun.value) return;
        if (this.lacking) this.stop();
        else void this.#play();
      }),
    ];
    return () => ends.forEach((end) => end());
  }

  close(): void {
    this.#closed = true;
  }

  /** Why nothing more can be generated here, in words; `null` where it can. */
  get lacking(): string | null {
    return this.core.lacks({ type: "step", count: 1 });
  }

  node(number: number): TreeNode | undefined {
    return this.#byNumber.value.get(number);
  }

  pathTo(number: number): readonly TreeNode[] {
    const found: TreeNode[] = [];
    for (let node = this.node(number); node; node = this.node(node.parent)) found.push(node);
    return found.reverse();
  }

  childrenOf(number: number): readonly TreeNode[] {
    return this.#children.value.get(number) ?? [];
  }

  /** The last node that two paths share. */
  commonAncestor(one: number, other: number): number {
    const [a, b] = [this.pathTo(one), this.pathTo(other)];
    let last = 0;
    for (let i = 0; i < Math.min(a.length, b.length) && a[i] === b[i]; i++) last = a[i]!.number;
    return last;
  }

  // ── gestures ──────────────────────────────────────────────────────────────────────────────

  stop(): void {
    this.core.state.playing.value = false;
  }

  async step(): Promise<void> {
    if (this.lacking) return;
    this.stop();
    this.look(null);
    await this.#act({ type: "step", count: 1 });
  }

  /** Puts a token of one's own in the place of the one that is looked at, or next. */
  async force(token: number): Promise<void> {
    if (this.lacking) return;
    this.stop();
    const after = this.shown.peek();
    const there = this.childrenOf(after).find((node) => node.token === token);
    if (there && this.path.peek().includes(there)) return;
    if (there) return this.goTo(this.#endOf(there.number));
    if (await this.#act({ type: "force", after, token })) this.look(null);
  }

  /** Goes to a node, after which the next token goes. A path beside the text changes places. */
  async goTo(number: number): Promise<void> {
    const left = this.current.peek();
    this.stop();
    if (this.lacking) this.current.value = number = this.#endOf(number);
    else if (!(await this.#act({ type: "select", node: number }))) return;
    this.look(null);
    this.compared.value = this.compared.peek().map((end) => (end === number ? left : end));
  }

  /** Puts another path beside the text, or takes it away. */
  compare(end: number): void {
    const others = this.compared.peek();
    this.compared.value = others.includes(end)
      ? others.filter((other) => other !== end)
      : [...others, end];
  }

  async undo(): Promise<void> {
    this.stop();
    if (await this.#act({ type: "undo" })) this.look(null);
  }

  copy(): Promise<CopyAnswer> {
    return this.core.ask<CopyAnswer>({ type: "copy", node: this.current.peek() });
  }

  /** Looks at a token of the text, or of the one beside it that ends at `end`; or at none. */
  look(number: number | null, end: number | null = null): void {
    const node = number === null ? undefined : this.#byNumber.peek().get(number);
    batch(() => {
      this.beside.value = end;
      this.core.state.position.value = node ? this.prompt.peek()!.length + node.depth - 2 : -1;
    });
  }

  fold(number: number): void {
    const folded = new Set(this.folded.value);
    if (!folded.delete(number)) folded.add(number);
    this.folded.value = folded;
  }

  /** Where the first of the texts ends that a node is part of. */
  #endOf(number: number): number {
    const [next] = this.childrenOf(number);
    return next ? this.#endOf(next.number) : number;
  }

  // ── asking ────────────────────────────────────────────────────────────────────────────────

  /** There is no prompt, and nothing after it. */
  #clear(): void {
    this.stop();
    batch(() => {
      this.#letGo();
      this.prompt.value = null;
      this.nodes.value = [];
      this.current.value = 0;
      this.ended.value = this.canUndo.value = false;
    });
  }

  /** Looks at nothing, and compares nothing. */
  #letGo(): void {
    this.look(null);
    this.hovered.value = null;
    this.compared.value = [];
    this.folded.value = new Set();
  }

  async #begin(prompt: string): Promise<void> {
    if (this.core.isGone.peek()) return;
    const isFirst = this.prompt.peek() === null;
    this.core.report(null);
    if (!isFirst) this.#letGo();
    if (await this.#act(beginning(prompt), { anew: true })) this.begun.value = prompt;
    // A few sequences, as of a run, are shown side by side.
    const nodes = this.nodes.peek();
    const parents = new Set(nodes.map(({ parent }) => parent));
    const ends = nodes.map(({ number }) => number).filter((number) => !parents.has(number));
    if (isFirst && ends.length > 1 && ends.length <= FEW)
      this.compared.value = ends.filter((end) => end !== this.current.peek());
  }

  /** Asks for one step after the other until it is paused or the text ends. */
  async #play(): Promise<void> {
    const { playing, speed, text } = this.core.state;
    const over = new AbortController();
    const end = effect(() => {
      if (!playing.value) over.abort();
    });
    const under: Promise<boolean>[] = [];
    let type: "step" | "step_on" = "step";
    let failed = false;
    this.look(null);
    while (playing.peek() && !this.#closed && !this.ended.peek()) {
      const slow = speed.peek();
      under.push(this.#act({ type, count: slow > 0 ? 1 : BURST }, { signal: over.signal }));
      type = "step_on"; // One undo takes back all of it.
      if (slow > 0) await pause(1000 / slow, over.signal);
      if (under.length >= (slow > 0 ? 1 : AHEAD)) failed = !(await under.shift());
      if (failed) break;
    }
    const paused = over.signal.aborted;
    if (!paused) await Promise.all(under);
    end();
    if (this.#closed) return;
    playing.value = false;
    // A step that was dropped may have been taken all the same.
    if (paused || failed) await this.#act(beginning(text.peek()), { anew: true });
  }

  /** False when it could not be done. */
  async #act(request: Request, { anew = false, signal }: ActOptions = {}): Promise<boolean> {
    if (this.core.isGone.peek() || (this.lacking && !anew)) return false;
    if (!anew) this.core.report(null);
    this.pending.value = this.pending.peek() + 1;
    try {
      const onPart = (part: object) => this.#take(part as GenerationAnswer, anew);
      const options = signal ? { signal, onPart } : {};
      this.#take(await this.core.ask<GenerationAnswer>(request, options), anew);
      return true;
    } catch (error) {
      this.core.report(error);
      return false;
    } finally {
      this.pending.value = this.pending.peek() - 1;
    }
  }

  #take(answer: GenerationAnswer, anew: boolean): void {
    const { nodes, count, current } = answer;
    if (!this.core.state.text.peek()) return; // The prompt was taken away meanwhile.
    const known = anew ? [] : this.nodes.peek().slice(0, count - nodes.length);
    batch(() => {
      this.#source = answer.source ?? this.#source;
      this.prompt.value = answer.prompt?.map(tokenOf) ?? this.prompt.peek();
      this.nodes.value = [...known, ...nodes];
      this.current.value = current;
      this.ended.value = answer.ended;
      this.canUndo.value = answer.can_undo;
      this.core.state.seed.value = answer.seed;
      if (!this.node(this.hovered.value ?? 0)) this.hovered.value = null;
      this.compared.value = this.compared.value.filter((end) => end === 0 || this.node(end));
    });
  }
}

const beginning = (prompt: string): Request => ({ type: "begin", prompt });

interface ActOptions {
  /** Whether the answer has the whole tree. */
  anew?: boolean;
  signal?: AbortSignal;
}

/** Waits, unless that is ended first. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });

/** How a token is shaded, from 0 to 1: the more, the more likely, surprising or far down. */
export function shadeOf({ logprob, rank }: TreeNode, shade: Shade): number {
  if (shade === "probability") return Math.exp(logprob);
  if (shade === "surprisal") return Math.min(1, -logprob / Math.LN2 / 12);
  return Math.min(1, Math.log10(1 + rank) / 3);
}
