/** A stored page that answers as a kernel does: after a while, and about any text that one types. */

import type { AskOptions, PageSource } from "./front";

type Rows = [id: number, label: string, start: number, end: number, special: boolean][];

/**
 * Each answer comes `pace` ms late. A text that the page doesn't hold is answered with the trace of
 * the one that it does: its last token then reaches to the end of what was typed.
 */
export class PacedSource {
  constructor(
    private readonly page: PageSource,
    private readonly stored: string,
    private readonly pace: number,
  ) {}

  async ask<T>(key: string, options?: AskOptions): Promise<T> {
    await new Promise((done) => setTimeout(done, this.pace));
    if (options?.signal?.aborted) throw new DOMException("Aborted", "AbortError");
    if (!key.startsWith("text/") || this.page.lacks(key) === null) return this.page.ask<T>(key);
    const answer = await this.page.ask<{ tokens: Rows }>(`text/${this.stored}`);
    const text = key.slice("text/".length);
    const tokens = answer.tokens.map(([id, label, start, end, special], index): Rows[number] => {
      const reach = index === answer.tokens.length - 1 ? text.length : Math.min(end, text.length);
      return [id, label, Math.min(start, reach), reach, special];
    });
    return { ...answer, text, tokens } as T;
  }

  lacks(key: string): string | null {
    return key.startsWith("text/") ? null : this.page.lacks(key);
  }

  close(): void {}
}
