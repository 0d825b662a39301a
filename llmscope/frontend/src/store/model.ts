/** The whole model as one picture: which part of it is in focus, and what was read of that. */

import { type ReadonlySignal, batch, computed, effect, signal } from "@preact/signals";
import type { Token } from "../protocol/answers";
import { type Request, formatKey } from "../protocol/keys";
import {
  type BlockAnswer,
  type Box,
  type BoxAnswer,
  type ComponentAnswer,
  type Run,
  type Stage,
  type StreamAnswer,
  type StructureAnswer,
  type Tower,
  towerOf,
} from "../protocol/model";
import type { Kind, TowerName } from "../protocol/shared";
import type { Core } from "./core";

const PAUSE = 120; // ms in which nothing moves, before what is beside the focus is read
const POINTING = 60; // ms that the mouse rests on a number, before all blocks are asked for it

/** What was read last, with what it is of: it stays on screen until the next is there. */
export interface Read<T> {
  request: Request;
  answer: T;
}

/** A box where it stands: in a block, or outside of them. */
export interface Place {
  box: Box;
  tower: TowerName;
  /** Of a box in a block. */
  layer: number | null;
}

/** The whole id of a box of a tower, outside of blocks or in one. */
export const idOf = (tower: TowerName, layer: number | null, id: string): string =>
  layer === null ? id : `${tower === "encoder" ? "encoder." : ""}block.${layer}.${id}`;

export class ModelStore {
  readonly structure = signal<StructureAnswer | null>(null);
  readonly stream = signal<Read<StreamAnswer> | null>(null);
  readonly block = signal<Read<BlockAnswer> | null>(null);
  readonly box = signal<Read<BoxAnswer> | null>(null);
  /** The number of the stream that the mouse follows from box to box, and its values in all blocks. */
  readonly followed = signal<number | null>(null);
  readonly component = signal<Read<ComponentAnswer> | null>(null);
  /** Why the picture can't be shown, in words. */
  readonly lacking: ReadonlySignal<string | null>;
  /** Why the numbers of the token in focus, or of the block, aren't here, in words; and those of the open box. */
  readonly numbersLack: ReadonlySignal<string | null>;
  readonly boxLacks: ReadonlySignal<string | null>;

  readonly tower: ReadonlySignal<Tower | null>;
  /** Tokens of the tower, and which of them is in focus. */
  readonly tokens: ReadonlySignal<readonly Token[]>;
  readonly position: ReadonlySignal<number>;
  /** The block that is opened. */
  readonly layer: ReadonlySignal<number>;
  readonly run: ReadonlySignal<Run | null>;
  readonly stages: ReadonlySignal<readonly Stage[]>;
  /** Its heads of the kind in focus; `null` where it has none. */
  readonly heads: ReadonlySignal<Place | null>;
  /** Whether the picture takes the place of attention, which this model has none of. */
  readonly isInstead: ReadonlySignal<boolean>;
  /** What is asked for of the token in focus. */
  readonly wanted: {
    stream: ReadonlySignal<Request | null>;
    block: ReadonlySignal<Request | null>;
    box: ReadonlySignal<Request | null>;
  };

  /** How many pictures are on screen. */
  readonly #looks = signal(0);
  readonly #problem = signal<string | null>(null);

  constructor(
    private readonly core: Core,
    private readonly kind: () => Kind,
  ) {
    const { state, trace, lacks } = core;
    this.tower = computed(() => {
      const towers = this.structure.value?.towers ?? [];
      return towers.find(({ tower }) => tower === towerOf(this.kind())) ?? towers.at(-1) ?? null;
    });
    this.tokens = computed(() => this.tokensOf(this.tower.value?.tower ?? "self"));
    this.position = computed(() => {
      const last = this.tokens.value.length - 1;
      const chosen = state.position.value;
      return chosen < 0 || chosen > last ? last : chosen;
    });
    this.layer = computed(() => {
      const chosen = state.block.value >= 0 ? state.block.value : state.layer.value; // or no such trait
      return Math.max(0, Math.min(chosen, (this.tower.value?.blocks ?? 1) - 1));
    });
    this.run = computed(() => this.runOf(this.layer.value));
    this.stages = computed(() => {
      const layer = this.layer.value;
      return this.run.value?.stages.map((stage) => stageAt(this.run.value!, layer, stage)) ?? [];
    });
    this.heads = computed(() => {
      const [tower, layer, kind] = [
        this.tower.value?.tower ?? "self",
        this.layer.value,
        this.kind(),
      ];
      const isHere = trace.value?.kinds[kind]?.some(([one]) => one === layer);
      const box = this.stages.value.flatMap(boxesOf).find(({ facts }) => facts.kind === kind);
      return isHere && box ? { box, tower, layer } : null;
    });
    let isWithout = false;
    this.isInstead = computed(() => {
      if (trace.value) isWithout = Object.keys(trace.value.kinds).length === 0;
      return isWithout && state.panels.value.includes("model");
    });
    this.lacking = computed(() => {
      if (!trace.value || this.structure.value) return this.#problem.value;
      return this.#problem.value ?? lacks({ type: "structure", trace: trace.value.name });
    });
    const why = (request: Request | null) => request && lacks(request);
    this.boxLacks = computed(() => why(this.wanted.box.value));
    this.numbersLack = computed(
      () => why(this.wanted.stream.value) ?? why(this.wanted.block.value),
    );
    this.wanted = {
      stream: computed(() => this.#streamAt(this.position.value)),
      block: computed(() => this.#blockAt(this.layer.value, this.position.value)),
      box: computed(() => this.#request(this.#box())),
    };
  }

  start(): () => void {
    const ends = [
      effect(() => this.#followStructure()),
      effect(() => this.#follow(this.wanted.stream, this.stream)),
      effect(() => this.#follow(this.wanted.block, this.block)),
      effect(() => this.#follow(this.wanted.box, this.box)),
      effect(() => this.#followBeside()),
      effect(() => this.#followComponent()),
      this.#followLayer(),
    ];
    return () => ends.forEach((end) => end());
  }

  /** A picture came on screen (1), or left it (-1). */
  look(change: 1 | -1): void {
    this.#looks.value = this.#looks.peek() + change;
  }

  tokensOf(tower: TowerName): readonly Token[] {
    const { tokens = [], target = [] } = this.core.trace.value ?? {};
    return tower === "self" && target.length > 0 ? target : tokens;
  }

  runOf(layer: number): Run | null {
    const runs = this.tower.value?.runs ?? [];
    return runs.find(({ first, count }) => layer >= first && layer < first + count) ?? null;
  }

  /** Whether what was read is of what is wanted now. */
  isNow(read: Read<unknown> | null, wanted: ReadonlySignal<Request | null>): boolean {
    return !!read && !!wanted.value && formatKey(read.request) === formatKey(wanted.value);
  }

  // ── gestures ──────────────────────────────────────────────────────────────────────────────

  /** Opens a block; the layer in focus is then the same, where attention has it. */
  choose(layer: number): void {
    const { state, trace } = this.core;
    const { tower, layer: now, runs } = { ...this.tower.peek()!, layer: this.layer.peek() };
    if (layer === now || !runs.length) return;
    batch(() => {
      const box = state.box.value;
      state.block.value = layer;
      if (trace.value?.kinds[this.kind()]?.some(([one]) => one === layer)) {
        state.layer.value = layer;
        state.telling.value = false;
      }
      const own = /\.([a-z][a-z0-9_]*)$/.exec(box)?.[1];
      const isThere = own && /block\./.test(box) && this.#has(layer, own);
      if (isThere) state.box.value = idOf(tower, layer, own);
      else if (/block\./.test(box)) state.box.value = "";
    });
  }

  /** Opens a box in place, or closes it. */
  open(id: string): void {
    const { box } = this.core.state;
    box.value = box.peek() === id ? "" : id;
  }

  /** Closes what is open in place; false where nothing is. */
  close(): boolean {
    const { box } = this.core.state;
    if (!box.peek()) return false;
    box.value = "";
    return true;
  }

  /** The box of a whole id; `null` where the model has none of that name. */
  find(id: string): Place | null {
    for (const tower of this.structure.value?.towers ?? []) {
      const outside = [...tower.before, ...tower.after].find((box) => box.id === id);
      if (outside) return { box: outside, tower: tower.tower, layer: null };
      const [, encoder, number, own] = /^(encoder\.)?block\.(\d+)\.(\w+)$/.exec(id) ?? [];
      if (!own || (encoder ? "encoder" : "self") !== tower.tower) continue;
      const layer = Number(number);
      const run = tower.runs.find(({ first, count }) => layer >= first && layer < first + count);
      const box = run?.stages.flatMap(boxesOf).find((one) => has(one, own));
      if (box) return { box: boxAt(run!, layer, box), tower: tower.tower, layer };
    }
    return null;
  }

  #has(layer: number, id: string): boolean {
    return (this.runOf(layer)?.stages ?? []).flatMap(boxesOf).some((box) => has(box, id));
  }

  // ── asking ────────────────────────────────────────────────────────────────────────────────

  get #isSeen(): boolean {
    return this.#looks.value > 0 && this.core.isSeen.value;
  }

  #request(request: Request | null): Request | null {
    return this.#isSeen && this.structure.value ? request : null;
  }

  #streamAt(position: number): Request | null {
    const tower = this.tower.value?.tower;
    const trace = this.core.trace.value?.name;
    if (!tower || trace === undefined || position < 0) return null;
    return this.#request({ type: "model_stream", trace, tower, position });
  }

  #blockAt(layer: number, position: number): Request | null {
    const tower = this.tower.value?.tower;
    const trace = this.core.trace.value?.name;
    if (!tower || trace === undefined || position < 0 || !this.runOf(layer)) return null;
    return this.#request({ type: "model_block", trace, tower, layer, position });
  }

  #box(): Request | null {
    const box = this.core.state.box.value;
    const trace = this.core.trace.value?.name;
    const position = this.position.value;
    if (!box || trace === undefined || position < 0) return null;
    const head = /\.(rotary|alibi|relative)$/.test(box) ? this.core.state.head.value : 0;
    return { type: "model_box", trace, box, head, position };
  }

  /** Who looks at another layer elsewhere sees its block. */
  #followLayer(): () => void {
    const { layer, block } = this.core.state;
    let before = layer.peek();
    return effect(() => {
      if (layer.value === before) return;
      before = layer.value;
      if (block.peek() !== before) block.value = -1;
    });
  }

  #followStructure(): (() => void) | void {
    const trace = this.core.trace.value;
    if (!trace || !this.#isSeen) return;
    const request: Request = { type: "structure", trace: trace.name };
    if (this.core.lacks(request)) return;
    return this.#ask<StructureAnswer>(request, (answer) => {
      const known = this.structure.peek();
      // The same model has the same: nothing is drawn anew.
      if (JSON.stringify(known) !== JSON.stringify(answer)) this.structure.value = answer;
      this.#problem.value = null;
    });
  }

  #follow<T>(
    wanted: ReadonlySignal<Request | null>,
    read: { value: Read<T> | null; peek(): Read<T> | null },
  ): (() => void) | void {
    const request = wanted.value;
    if (!request || this.core.lacks(request) || this.isNow(read.peek(), wanted)) return;
    return this.#ask<T>(request, (answer) => (read.value = { request, answer }));
  }

  /** Reads the tokens and blocks beside those in focus ahead, once nothing else is asked for. */
  #followBeside(): (() => void) | void {
    const { stream, block } = this.wanted;
    if (!this.isNow(this.stream.value, stream) || !this.isNow(this.block.value, block)) return;
    const [layer, position] = [this.layer.value, this.position.value];
    const asked: [key: string, end: () => void][] = [];
    const timer = setTimeout(() => {
      const beside = [-1, 1].flatMap((step) => [
        position + step < this.tokens.peek().length ? this.#streamAt(position + step) : null,
        position + step < this.tokens.peek().length ? this.#blockAt(layer, position + step) : null,
        this.#blockAt(layer + step, position),
      ]);
      for (const request of beside)
        if (request && !this.core.lacks(request))
          asked.push([formatKey(request), this.#ask(request, null)]);
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      // What is on its way may be what is looked at now.
      const now = [stream, block].map(({ value }) => value && formatKey(value));
      for (const [key, end] of asked) if (!now.includes(key)) end();
    };
  }

  #followComponent(): (() => void) | void {
    const index = this.followed.value;
    const tower = this.tower.value?.tower;
    const trace = this.core.trace.value?.name;
    const position = this.position.value;
    if (index === null || !tower || trace === undefined || position < 0) {
      this.component.value = null;
      return;
    }
    const request = this.#request({ type: "model_component", trace, tower, position, index });
    if (!request || this.core.lacks(request)) return;
    let end = () => {};
    const timer = setTimeout(() => {
      end = this.#ask<ComponentAnswer>(
        request,
        (answer) => (this.component.value = { request, answer }),
      );
    }, POINTING);
    return () => {
      clearTimeout(timer);
      end();
    };
  }

  /** What nobody waits for is asked for without a taker, and may fail in silence. */
  #ask<T>(request: Request, take: ((answer: T) => void) | null): () => void {
    const over = new AbortController();
    this.core
      .cache()
      .read<T>(request, over.signal)
      .then((answer) => over.signal.aborted || take?.(answer))
      .catch((error: Error) => {
        if (over.signal.aborted || error.name === "AbortError" || !take) return;
        if (request.type === "structure") this.#problem.value = error.message;
        else this.core.report(error);
      });
    return () => over.abort();
  }
}

/** All boxes of a stage. */
export const boxesOf = ({ shared, branches, after, whole }: Stage): Box[] => [
  ...shared,
  ...branches.flat(),
  ...after,
  ...(whole ? [whole] : []),
];

/** A box with what is known of it in one of the blocks of a run. */
function boxAt({ first, varied }: Run, layer: number, box: Box): Box {
  const facts = Object.entries(varied[box.id] ?? {});
  if (facts.length === 0) return box;
  const own = facts.map(([name, values]) => [name, values[layer - first] ?? null]);
  return { ...box, facts: { ...box.facts, ...Object.fromEntries(own) } };
}

function stageAt(run: Run, layer: number, stage: Stage): Stage {
  const all = (boxes: Box[]) => boxes.map((box) => boxAt(run, layer, box));
  const { shared, branches, after } = stage;
  return { ...stage, shared: all(shared), branches: branches.map(all), after: all(after) };
}

/** Whether a box is called so, or is where positions of that name act. */
const has = ({ id, facts }: Box, name: string): boolean => id === name || facts.positions === name;
