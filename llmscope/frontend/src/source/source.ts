/** A view asks a source for named arrays and never knows who answers. */

export interface Array_ {
  data: Float32Array | Int32Array | Uint8Array;
  shape: number[];
}

/** JSON values and arrays by name. */
export type Part = Record<string, unknown>;

export interface AskOptions {
  signal?: AbortSignal;
  /** Called with each part before the last one. */
  onPart?: (part: Part) => void;
}

export interface Source {
  /** Resolves with the last part of the answer; rejects with `SourceError`, or when aborted. */
  ask<T = Part>(key: string, options?: AskOptions): Promise<T>;
  /** Why a key can't be answered, in words, where that is known before asking. */
  lacks(key: string): string | null;
  close(): void;
}

export class SourceError extends Error {
  constructor(
    message: string,
    readonly kind: string,
  ) {
    super(message);
    this.name = "SourceError";
  }
}

interface Packed {
  buffer: number;
  dtype: string;
  shape: number[];
}

const isPacked = (item: unknown): item is Packed =>
  typeof item === "object" && item !== null && "buffer" in item && "dtype" in item;

/** Puts the binary buffers of a message back into the places that refer to them. */
export function unpack(content: Part, buffers: readonly DataView[]): Part {
  return Object.fromEntries(
    Object.entries(content).map(([name, item]) => [
      name,
      isPacked(item) ? array(item, buffers[item.buffer]) : item,
    ]),
  );
}

function array({ dtype, shape }: Packed, view: DataView | undefined): Array_ {
  if (!view) throw new SourceError("A part of the answer got lost on the way.", "protocol");
  const { byteOffset: start, byteLength: length } = view;
  // Numbers of four bytes have to begin at a multiple of four.
  const isAligned = start % 4 === 0;
  const buffer = (
    isAligned ? view.buffer : view.buffer.slice(start, start + length)
  ) as ArrayBuffer;
  const first = isAligned ? start : 0;
  if (dtype === "float32") return { data: new Float32Array(buffer, first, length / 4), shape };
  if (dtype === "float16")
    return { data: fromHalf(new Uint16Array(buffer, first, length / 2)), shape };
  if (dtype === "int32") return { data: new Int32Array(buffer, first, length / 4), shape };
  if (dtype === "uint8") return { data: new Uint8Array(buffer, first, length), shape };
  throw new SourceError(`An array of ${dtype} came that no view can read.`, "protocol");
}

/** Half-precision numbers by their bits; made when first needed. */
let halves: Float32Array | undefined;

function fromHalf(bits: Uint16Array): Float32Array {
  halves ??= Float32Array.from({ length: 1 << 16 }, (_, half) => {
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const size =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction
            ? NaN
            : Infinity
          : (1 + fraction / 1024) * 2 ** (exponent - 15);
    return half >> 15 ? -size : size;
  });
  const floats = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) floats[i] = halves[bits[i]!]!;
  return floats;
}
