import { batch, signal } from "@preact/signals";
import type { Source } from "../protocol/source";
import type { Choice, Facts, ModelAnswer, Progress } from "../protocol/answers";
import type { Reading } from "./text-input";

/** Which model is looked into, and how it is chosen and loaded. */
export class Loading {
  readonly model = signal<Facts | null>(null);
  readonly choices = signal<Choice[] | null>(null);
  /** The texts that a page holds. */
  readonly prompts = signal<Reading[]>([]);
  readonly progress = signal<Progress | null>(null);

  #under: AbortController | null = null;

  constructor(
    private readonly source: Source,
    /** Says what went wrong; `null` when that is over. */
    private readonly report: (error: unknown) => void,
  ) {
    source.ask<ModelAnswer>("model").then((answer) => this.#set(answer), report);
  }

  async load(name: string): Promise<void> {
    await this.#start(`load/${name}`);
  }

  async install(): Promise<void> {
    if (await this.#start("install")) await this.load("");
  }

  stop(): void {
    this.#under?.abort();
  }

  #set({ model, choices, prompts }: ModelAnswer): void {
    batch(() => {
      if (prompts)
        this.prompts.value = prompts.map(([text, pair, target, masked]) => ({
          text,
          pair,
          target,
          masked,
        }));
      if (choices) this.choices.value = choices;
      if (model) this.model.value = model;
    });
  }

  /** Whether it came to its end. */
  async #start(key: string): Promise<boolean> {
    if (!LIVE) return false;
    const { signal } = (this.#under = new AbortController());
    batch(() => {
      this.report(null);
      this.progress.value = { stage: "Starting", done: 0, total: null };
    });
    try {
      const onPart = (part: object) => (this.progress.value = part as Progress);
      this.#set(await this.source.ask<ModelAnswer>(key, { signal, onPart }));
      return true;
    } catch (error) {
      this.report(error);
      return false;
    } finally {
      this.progress.value = null;
    }
  }
}
