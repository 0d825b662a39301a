/** What a page holds, as `llmscope/export` writes it. */

import { type Tensor, unpack } from "../../protocol/arrays";
import type { Kind } from "../../protocol/shared";
import type { Part } from "../../protocol/source";

/** Matrices of one kind of attention of one trace. */
export interface Matrices {
  trace: string;
  kind: Kind;
  queries: number;
  keys: number;
  /** Whether all weights right of the diagonal are 0, and left out. */
  triangular: boolean;
  names: string[];
  /** (bytes of a weight, matrices, weights): the codes of weights.ts, most significant byte first. */
  codes: Tensor;
}

/** Logits of the next token at some positions of one trace. */
export interface NextTokens {
  trace: string;
  vocabulary: number;
  positions: number[];
  ids: Tensor; // (positions, likeliest)
  logits: Tensor; // (positions, likeliest)
  highest: Tensor; // (positions,) of the others
  lowest: Tensor; // (positions,) of the others
  counts: Tensor; // (positions, bins): how many of the others, from the highest bin down
  /** Labels of its own, where its model has other tokens than the first of the page. */
  label_ids?: Tensor;
  label_texts?: string[];
}

/** Why the page has no answer, in words. */
export interface Words {
  heads: string;
  positions: string;
  steps: string;
  lens: string;
  effects?: string;
  patching?: string;
  /** Of single requests that were refused, by key. */
  [key: string]: string | undefined;
}

export interface Content {
  /** Stored answers, by key. */
  answers: Record<string, Part>;
  matrices: Matrices[];
  logits: NextTokens[];
  labels: { ids: Tensor; labels: string[] };
  words: Words;
}

export interface View {
  source: number;
  /** In pixels, about, until it is shown. */
  height: number;
  /** What stands above it, if anything. */
  heading?: string;
  traits: Record<string, unknown>;
}

export interface Page {
  sources: Content[];
  views: View[];
  /** Views whose traits, named here, move together. */
  links: [one: number, other: number, traits: string[]][];
}

export async function readPage(base64: string): Promise<Page> {
  const { page, opened } = await readPacked<Page>(base64);
  page.sources = page.sources.map((source) => ({
    ...source,
    answers: Object.fromEntries(
      Object.entries(source.answers).map(([key, part]) => [key, opened(part)]),
    ),
    matrices: source.matrices.map((part) => opened(part) as unknown as Matrices),
    logits: source.logits.map((part) => opened(part) as unknown as NextTokens),
    labels: opened(source.labels) as Content["labels"],
  }));
  return page;
}

/**
 * Base64 of a zlib stream: the length of a JSON text, the text, and its buffers; `opened` puts them
 * into the parts that refer to them.
 */
export async function readPacked<T>(
  base64: string,
): Promise<{ page: T; opened: (part: object) => Part }> {
  const packed = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  const length = new DataView(bytes).getUint32(0, true);
  const { sizes, page } = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
  let start = 4 + length;
  const buffers = (sizes as [length: number, width: number][]).map(([size, width]) => {
    const buffer = interleaved(new Uint8Array(bytes, start, size), width);
    start += size;
    return new DataView(buffer.buffer, buffer.byteOffset, size);
  });
  return { page: page as T, opened: (part) => unpack(part as Part, buffers) };
}

/** Bytes of numbers, which compress better with all first bytes together, then all second. */
function interleaved(planes: Uint8Array, width: number): Uint8Array {
  if (width === 1) return planes;
  const count = planes.length / width;
  const bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < width; plane++)
    for (let i = 0; i < count; i++) bytes[i * width + plane] = planes[plane * count + i]!;
  return bytes;
}
