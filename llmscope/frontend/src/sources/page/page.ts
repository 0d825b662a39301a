import { type Part, type Source, SourceError } from "../../protocol/source";
import type { Content, Matrices } from "./content";
import { logitsOf } from "./logits";
import { type Whole, matrixOf, thumbnails, tile } from "./weights";

const KEPT = 8; // matrices that were made last

/** The page itself answers: with what was stored in it, and with what follows from that. */
export class PageSource implements Source {
  #made = new Map<string, Whole | null>();

  constructor(private readonly content: Content) {}

  ask<T = Part>(key: string): Promise<T> {
    const found = this.#find(key);
    return typeof found === "string"
      ? Promise.reject(new SourceError(found, "not-baked"))
      : Promise.resolve(found() as T);
  }

  lacks(key: string): string | null {
    const found = this.#find(key);
    return typeof found === "string" ? found : null;
  }

  close(): void {}

  /** What gives the answer; or, in words, why there is none. */
  #find(key: string): (() => Part) | string {
    const { answers, words } = this.content;
    if (key.startsWith("vocabulary/")) return "Finding a token takes the model.";
    if (/^(text|read|ids)\//.test(key) && !answers[key])
      return "Reading another text takes the model.";
    // Labels come with the logits: what is asked for is one of the others.
    if (key.startsWith("token/")) return () => ({ label: "one of the others" });
    if (key === "release") return () => ({});
    const [trace = "", what = "", ...rest] = key.split("/");
    if (what === "thumbnails" && answers[key]) return () => this.#thumbnails(key, trace, rest);
    if (answers[key]) return () => answers[key]!;
    if (what === "logits") return this.#logits(trace, Number(rest[0])) ?? words.positions;
    if (trace === "write") return "Writing takes the model.";
    if (what === "steps" || what === "lens") return words[what];
    if (rest.length === 2) return this.#attention(trace, what, rest[0]!, rest[1]!);
    return "This page holds no such part of the model.";
  }

  #logits(trace: string, position: number): (() => Part) | null {
    const heads = this.content.logits.find(
      (one) => one.trace === trace && one.positions.includes(position),
    );
    return heads
      ? () => logitsOf(heads, heads.positions.indexOf(position), this.content.labels)
      : null;
  }

  #thumbnails(key: string, trace: string, [kind, layer]: string[]): Part {
    const stored = this.content.answers[key]!;
    if (stored.shades) return stored;
    const [heads] = (stored.scores as { shape: number[] }).shape;
    return { ...stored, shades: thumbnails(this.#matrices(trace, kind!)!, Number(layer), heads!) };
  }

  #attention(trace: string, kind: string, name: string, which: string): (() => Part) | string {
    const all = this.#matrices(trace, kind);
    const whole = all ? this.#whole(all, name) : null;
    if (!whole)
      return name.includes("rollout")
        ? "Rollout to this layer takes the model."
        : this.content.words.heads;
    const { weights, queries, keys } = whole;
    const [where = "", index = "0"] = which.split(".");
    const at = Number(index);
    if (where === "row") return () => line(weights.subarray(at * keys, (at + 1) * keys));
    if (where === "column")
      return () => line(Float32Array.from({ length: queries }, (_, q) => weights[q * keys + at]!));
    return () => ({ ...tile(whole, which) });
  }

  #matrices(trace: string, kind: string): Matrices | undefined {
    return this.content.matrices.find((one) => one.trace === trace && one.kind === kind);
  }

  #whole(all: Matrices, name: string): Whole | null {
    const key = `${all.trace}/${all.kind}/${name}`;
    const made = this.#made.get(key) ?? matrixOf(all, name);
    this.#made.delete(key);
    this.#made.set(key, made);
    if (this.#made.size > KEPT) this.#made.delete(this.#made.keys().next().value!);
    return made;
  }
}

const line = (data: Float32Array): Part => ({ weights: { data, shape: [data.length] } });
