import { type ReadonlySignal, signal } from "@preact/signals";
import type { ThumbnailsAnswer, Trace } from "../../protocol/answers";
import { type Kind, SCORES, type ScoreName } from "../../protocol/shared";
import type { RequestCache } from "../request-cache";
import type { Head, Thumbnail } from "./types";

/** Thumbnails that are asked for at once: one is made while the one before travels. */
const AHEAD = 2;

/** Little pictures of all heads, read layer by layer. */
export class Thumbnails {
  readonly read = signal<ReadonlyMap<string, Thumbnail>>(new Map()); // by kind and layer
  /** Layers whose thumbnails are in sight. */
  readonly inSight = signal<ReadonlySet<number>>(new Set());

  #under = { cache: null as RequestCache | null, names: new Set<string>() }; // on their way

  constructor(
    private readonly trace: ReadonlySignal<Trace | null>,
    private readonly report: (error: unknown) => void,
  ) {}

  /** Those of a layer: of the text on screen, or of one before it. */
  of(kind: Kind, layer: number): Thumbnail | undefined {
    return this.read.value.get(`${kind}/${layer}`);
  }

  /** A score of a head, once it is known. */
  score(name: ScoreName, kind: Kind, { layer, head }: Head): number | undefined {
    const scores = this.of(kind, layer)?.scores;
    if (!scores || head >= scores.shape[0]!) return undefined;
    return scores.data[head * scores.shape[1]! + SCORES.indexOf(name)];
  }

  /** Keeps a few on their way, those in sight first. */
  follow(cache: RequestCache, trace: Trace, kind: Kind, layers: number[]): void {
    const inSight = this.inSight.value;
    const isRead = (layer: number) => this.of(kind, layer)?.trace === trace;
    if (this.#under.cache !== cache) this.#under = { cache, names: new Set() };
    const { names } = this.#under;
    const missing = layers.filter((layer) => !isRead(layer) && !names.has(`${kind}/${layer}`));
    missing.sort((a, b) => Number(inSight.has(b)) - Number(inSight.has(a)) || a - b);
    for (const layer of missing.slice(0, Math.max(0, AHEAD - names.size))) {
      const name = `${kind}/${layer}`;
      names.add(name);
      cache
        .read<ThumbnailsAnswer>({ type: "thumbnails", trace: trace.name, kind, layer })
        .then(({ shades, scores }) => {
          names.delete(name);
          if (this.trace.peek() !== trace) return;
          this.read.value = new Map(this.read.peek()).set(name, { trace, shades, scores });
        })
        .catch((error: unknown) => this.trace.peek() === trace && this.report(error));
    }
  }
}
