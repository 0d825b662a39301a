/** Effects of all heads on a token: which of them made it likely. */

import { type ReadonlySignal, effect, signal } from "@preact/signals";
import type { EffectsAnswer } from "../protocol/answers";
import type { Kind, Way } from "../protocol/shared";
import type { Head } from "./attention/types";
import { ask } from "./ask";
import type { Core } from "./core";
import { placeOf } from "./next-token";

interface Shown extends EffectsAnswer {
  way: Way;
  /** The greatest of all, whichever its sign; at least a little above 0. */
  most: number;
}

export class Effects {
  /** How they are found. */
  readonly way = signal<Way>("direct");
  readonly shown = signal<Shown | null>(null);
  /** Why there are none of this kind, in words. */
  readonly refused = signal<string | null>(null);

  constructor(
    private readonly core: Core,
    private readonly kind: ReadonlySignal<Kind>,
  ) {}

  start(): () => void {
    return effect(() => this.#follow());
  }

  /** Whether heads are to be coloured by effects. */
  get isOn(): boolean {
    return (this.core.state.effectOf.value ?? []).length > 0;
  }

  /** The effect of a head; `undefined` where it isn't known. */
  of({ layer, head }: Head): number | undefined {
    const { values } = this.shown.value ?? {};
    const [, heads = 0] = values?.shape ?? [];
    const found = head < heads ? values?.data[layer * heads + head] : undefined;
    return found === undefined || Number.isNaN(found) ? undefined : found;
  }

  #follow(): (() => void) | void {
    const { core } = this;
    const trace = core.trace.value;
    const [token, foil = null] = core.state.effectOf.value ?? [];
    const way = this.way.value;
    if (token === undefined || !trace || !core.isSeen.value) {
      this.shown.value = null;
      return;
    }
    const position = placeOf(trace, core.focus.value);
    const kind = this.kind.value;
    const request = {
      type: "effects",
      trace: trace.name,
      kind,
      way,
      token,
      foil,
      position,
    } as const;
    const lacking = core.lacks(request);
    this.refused.value = lacking;
    if (lacking) {
      this.shown.value = null;
      return;
    }
    const take = (answer: EffectsAnswer) => {
      const { data } = answer.values;
      let most = 1e-3;
      for (const value of data) if (Math.abs(value) > most) most = Math.abs(value);
      this.shown.value = { ...answer, way, most };
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
