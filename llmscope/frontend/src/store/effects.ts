/** Effects on a token: which heads, MLPs and tokens of the text made it likely. */

import { type ReadonlySignal, computed, effect, signal } from "@preact/signals";
import type { EffectsAnswer, Trace } from "../protocol/answers";
import type { Tensor } from "../protocol/arrays";
import { type RequestOf, formatKey } from "../protocol/keys";
import type { Kind, Way } from "../protocol/shared";
import { effects as words } from "#words/effects";
import type { Head } from "./attention/types";
import { ask } from "./ask";
import type { Core } from "./core";
import { placeOf } from "./next-token";

type Asked = RequestOf<"effects">;
/** How effects of heads and MLPs are found. */
export type PartsWay = Exclude<Way, "occlusion">;

interface Shown extends EffectsAnswer {
  key: string;
  /** Of what isn't known yet. */
  estimate: Tensor | null;
  known: number;
}

/** One effect. */
export interface Effect {
  value: number;
  isEstimate: boolean;
}

/** Effects of all parts of a kind, as they come. */
export class EffectsOfParts {
  readonly shown = signal<Shown | null>(null);
  /** Why there are none of this kind, in words. */
  readonly refused = signal<string | null>(null);
  /** Whether what is shown is what is asked for, and not of before. */
  readonly isNew: ReadonlySignal<boolean>;
  /** The greatest of all, whichever its sign. */
  readonly most: ReadonlySignal<number>;

  /** What to ask for: nothing, or in words why there is nothing. */
  readonly #asked: ReadonlySignal<Asked | string | null>;

  constructor(
    private readonly core: Core,
    asked: () => Asked | string | null,
  ) {
    this.#asked = computed(() => (core.trace.value?.name ? asked() : null));
    this.isNew = computed(() => {
      const asked = this.#asked.value;
      return typeof asked === "object" && asked !== null
        ? formatKey(asked) === this.shown.value?.key
        : false;
    });
    this.most = computed(() => {
      let most = 0;
      for (let at = 0; at < (this.shown.value?.values.data.length ?? 0); at++)
        most = Math.max(most, Math.abs(this.at(at)?.value ?? 0));
      return most;
    });
  }

  start(): () => void {
    return effect(() => this.#follow());
  }

  /** One of them, perhaps estimated; `undefined` where it isn't known. */
  at(index: number): Effect | undefined {
    const { values, estimate, estimated } = this.shown.value ?? {};
    const value = values?.data[index];
    if (value !== undefined && !Number.isNaN(value))
      return { value, isEstimate: estimated ?? false };
    const guess = estimate?.data[index];
    return guess === undefined || Number.isNaN(guess)
      ? undefined
      : { value: guess, isEstimate: true };
  }

  #follow(): (() => void) | void {
    const { core } = this;
    const request = this.#asked.value;
    if (!core.isSeen.value) return;
    if (request === null || typeof request === "string") {
      this.refused.value = request;
      this.shown.value = null;
      return;
    }
    const key = formatKey(request);
    const shown = this.shown.peek();
    if (shown?.whole && shown.key === key) return; // It stays, whoever is gone.
    const lacking = core.lacks(request);
    this.refused.value = lacking;
    if (lacking) {
      this.shown.value = null;
      return;
    }
    let estimate: Tensor | null = null;
    const take = (answer: EffectsAnswer) => {
      if (answer.estimated) estimate = answer.values;
      const known = answer.values.data.filter((value) => !Number.isNaN(value)).length;
      this.shown.value = { ...answer, key, estimate, known };
    };
    return ask(
      { ...core, report: (error) => this.#refuse(error) },
      (signal) =>
        core.ask<EffectsAnswer>(request, {
          signal,
          onPart: (part) => !signal.aborted && take(part as unknown as EffectsAnswer),
        }),
      take,
    );
  }

  #refuse(error: unknown): void {
    this.shown.value = null;
    if (error === null || (error instanceof DOMException && error.name === "AbortError")) return;
    this.refused.value = error instanceof Error ? error.message : String(error);
  }
}

export class Effects {
  /** How those of heads and MLPs are found. */
  readonly way = signal<PartsWay>("direct");
  readonly heads: EffectsOfParts;
  readonly mlps: EffectsOfParts;
  /** Of the text; of an encoder's, where there is one. */
  readonly tokens: EffectsOfParts;

  constructor(
    private readonly core: Core,
    kind: ReadonlySignal<Kind>,
  ) {
    const { panels } = core.state;
    const isOpen = (panel: string) => this.isOn && panels.value.includes(panel);
    const of = (of: Asked["of"], kind: Kind, way: Way): Asked => {
      const [token, foil = null] = core.state.effectOf.value;
      const trace = core.trace.value as Trace;
      const position = placeOf(trace, core.focus.value);
      return {
        type: "effects",
        trace: trace.name,
        of,
        kind,
        way,
        token: token!,
        foil,
        position,
      };
    };
    this.heads = new EffectsOfParts(core, () =>
      isOpen("overview") ? of("heads", kind.value, this.way.value) : null,
    );
    this.mlps = new EffectsOfParts(core, () => {
      if (!isOpen("overview")) return null;
      return kind.value === "encoder" ? words.decoderMlps : of("mlps", "self", this.way.value);
    });
    this.tokens = new EffectsOfParts(core, () =>
      isOpen("tokens") && this.shadesText ? of("tokens", "self", "occlusion") : null,
    );
  }

  start(): () => void {
    const ends = [this.heads, this.mlps, this.tokens].map((parts) => parts.start());
    return () => ends.forEach((end) => end());
  }

  /** Whether effects are shown: on a token that was chosen. */
  get isOn(): boolean {
    return (this.core.state.effectOf.value ?? []).length > 0;
  }

  /** Whether the text is shaded by them. */
  get shadesText(): boolean {
    return this.isOn && this.core.state.shade.value === "effect";
  }

  /** The effect of a head; `undefined` where it isn't known. */
  ofHead({ layer, head }: Head): Effect | undefined {
    const [, heads = 0] = this.heads.shown.value?.values.shape ?? [];
    return head < heads ? this.heads.at(layer * heads + head) : undefined;
  }

  /** The greatest effect of heads and MLPs, which share a scale; at least a little above 0. */
  get most(): number {
    return Math.max(1e-3, this.heads.most.value, this.mlps.most.value);
  }
}
