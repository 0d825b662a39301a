/** What a page holds, as `llmscope/export` writes it. */

import { type Array_, type Part, unpack } from "../source";

/** Matrices of one kind of attention of one trace. */
export interface Matrices {
  trace: string;
  kind: string;
  queries: number;
  keys: number;
  /** Whether all weights right of the diagonal are 0, and left out. */
  triangular: boolean;
  names: string[];
  /** (bytes of a weight, matrices, weights): the codes of weights.ts, most significant byte first. */
  codes: Array_;
}

/** The next token at some positions of one trace. */
export interface Heads {
  trace: string;
  vocabulary: number;
  positions: number[];
  ids: Array_; // (positions, likeliest)
  logits: Array_; // (positions, likeliest)
  highest: Array_; // (positions,) of the others
  lowest: Array_; // (positions,) of the others
  counts: Array_; // (positions, bins): how many of the others, from the highest bin down
}

/** What the page tells where it holds no answer. */
export interface Words {
  heads: string;
  positions: string;
  steps: string;
  lens: string;
}

export interface Content {
  /** Answers as they stand, by key. */
  answers: Record<string, Part>;
  matrices: Matrices[];
  logits: Heads[];
  labels: { ids: Array_; labels: string[] };
  words: Words;
}

export interface View {
  source: number;
  traits: Record<string, unknown>;
}

export interface Page {
  sources: Content[];
  views: View[];
  /** Views whose traits, named here, move together. */
  links: [one: number, other: number, traits: string[]][];
}

/** Base64 of a zlib stream: the length of a JSON text, the text, and its buffers. */
export async function readPage(base64: string): Promise<Page> {
  const packed = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  const length = new DataView(bytes).getUint32(0, true);
  const { sizes, page } = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
  let start = 4 + length;
  const buffers = (sizes as [length: number, width: number][]).map(([size, width]) => {
    const buffer = together(new Uint8Array(bytes, start, size), width);
    start += size;
    return new DataView(buffer.buffer, buffer.byteOffset, size);
  });
  const opened = (part: object) => unpack(part as Part, buffers);
  page.sources = page.sources.map((source: Content) => ({
    ...source,
    answers: Object.fromEntries(
      Object.entries(source.answers).map(([key, part]) => [key, opened(part)]),
    ),
    matrices: source.matrices.map(opened),
    logits: source.logits.map(opened),
    labels: opened(source.labels),
  }));
  return page as Page;
}

/** Bytes of numbers, which compress better when all first bytes stand together, then all second. */
function together(planes: Uint8Array, width: number): Uint8Array {
  if (width === 1) return planes;
  const count = planes.length / width;
  const bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < width; plane++)
    for (let i = 0; i < count; i++) bytes[i * width + plane] = planes[plane * count + i]!;
  return bytes;
}
