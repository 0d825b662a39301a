import { type Part, type Source, SourceError } from "./source";

/** The page itself answers, with what was stored in it. */
export class BakedSource implements Source {
  constructor(private readonly parts: ReadonlyMap<string, Part>) {}

  ask<T = Part>(key: string): Promise<T> {
    const part = this.parts.get(key);
    return part
      ? Promise.resolve(part as T)
      : Promise.reject(new SourceError("This page holds no such part of the model.", "not-baked"));
  }

  close(): void {}
}
