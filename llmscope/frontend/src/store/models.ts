import { type Signal, batch, signal } from "@preact/signals";
import type { Choice, Facts, ModelAnswer, Progress } from "../protocol/answers";
import { type Request, type TextInput, formatKey } from "../protocol/keys";
import type { Source } from "../protocol/source";
import { picker as words } from "#words/picker";

/** The model, and how it is chosen and loaded. */
export class Models {
  readonly current = signal<Facts | null>(null);
  readonly choices = signal<Choice[] | null>(null);
  /** The texts that a page holds. */
  readonly prompts = signal<TextInput[]>([]);
  readonly progress = signal<Progress | null>(null);

  #under: AbortController | null = null;

  constructor(
    private readonly source: Source,
    /** Says what went wrong; `null` when that is over. */
    private readonly report: (error: unknown) => void,
    private readonly input: { text: Signal<string>; target: Signal<string> },
  ) {}

  start(): void {
    const key = formatKey({ type: "model" });
    this.source.ask<ModelAnswer>(key).then((answer) => this.#set(answer), this.report);
  }

  async load(name: string): Promise<void> {
    this.#suit(name);
    await this.#start({ type: "load", name });
  }

  async install(): Promise<void> {
    if (await this.#start({ type: "install" })) await this.load("");
  }

  stop(): void {
    this.#under?.abort();
  }

  /** Takes the text that suits a model, where none but that of another one was typed. */
  #suit(name: string): void {
    const choices = this.choices.peek() ?? [];
    const chosen = choices.find((choice) => (choice.name ?? "") === name);
    const { text, target } = this.input;
    if (!chosen?.text || !choices.some((choice) => choice.text === text.peek())) return;
    batch(() => {
      text.value = chosen.text!;
      target.value = chosen.target ?? "";
    });
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
      if (model) this.current.value = model;
    });
  }

  /** Whether it came to its end. */
  async #start(request: Request): Promise<boolean> {
    const { signal } = (this.#under = new AbortController());
    batch(() => {
      this.report(null);
      this.progress.value = { stage: words.starting, done: 0, total: null };
    });
    try {
      const onPart = (part: object) => (this.progress.value = part as Progress);
      this.#set(await this.source.ask<ModelAnswer>(formatKey(request), { signal, onPart }));
      return true;
    } catch (error) {
      this.report(error);
      return false;
    } finally {
      this.progress.value = null;
    }
  }
}
