/** Arrays of answers, and how they travel: as JSON that refers to binary buffers. */

import { problems as words } from "#words/problems";
import { fill } from "../words/fill";
import { type Part, SourceError } from "./source";

/** Numbers of any shape, row by row. */
export interface Tensor {
  data: Float32Array | Int32Array | Uint8Array;
  shape: number[];
}

interface Packed {
  buffer: number;
  dtype: string;
  shape: number[];
  /** Whether only a square matrix's cells up to the diagonal came; the others are 0. */
  lower?: boolean;
}

const isPacked = (item: unknown): item is Packed =>
  typeof item === "object" && item !== null && "buffer" in item && "dtype" in item;

/** Puts the binary buffers of a message back into the places that refer to them, however deep. */
export function unpack(content: Part, buffers: readonly DataView[]): Part {
  return Object.fromEntries(
    Object.entries(content).map(([name, item]) => [name, unpacked(item, buffers)]),
  );
}

function unpacked(item: unknown, buffers: readonly DataView[]): unknown {
  if (typeof item !== "object" || item === null) return item;
  if (isPacked(item)) return array(item, buffers[item.buffer]);
  if (!Array.isArray(item)) return unpack(item as Part, buffers);
  // Rows of numbers and texts are long, and have none.
  const hasParts = typeof item[0] === "object" && item[0] !== null && !Array.isArray(item[0]);
  return hasParts ? item.map((one) => unpacked(one, buffers)) : item;
}

/** Bytes of all arrays in an answer. */
export function sizeOf(item: unknown): number {
  if (typeof item !== "object" || item === null) return 0;
  if (ArrayBuffer.isView(item)) return item.byteLength;
  return Object.values(item).reduce<number>((sum, one) => sum + sizeOf(one), 0);
}

function array({ dtype, shape, lower }: Packed, view: DataView | undefined): Tensor {
  if (!view) throw new SourceError(words.lost, "protocol");
  const data = numbers(dtype, view);
  return { data: lower ? square(data, shape[0]!) : data, shape };
}

function numbers(
  dtype: string,
  { buffer, byteOffset, byteLength: length }: DataView,
): Tensor["data"] {
  // Numbers of four bytes have to begin at a multiple of four.
  const isAligned = byteOffset % 4 === 0;
  const bytes = (isAligned ? buffer : buffer.slice(byteOffset, byteOffset + length)) as ArrayBuffer;
  const first = isAligned ? byteOffset : 0;
  if (dtype === "float32") return new Float32Array(bytes, first, length / 4);
  if (dtype === "float16") return fromHalf(new Uint16Array(bytes, first, length / 2));
  if (dtype === "int32") return new Int32Array(bytes, first, length / 4);
  if (dtype === "uint8") return new Uint8Array(bytes, first, length);
  throw new SourceError(fill(words.unreadable, { type: dtype }), "protocol");
}

/** A matrix (side, side) of its cells up to the diagonal, row by row. */
function square(lower: Tensor["data"], side: number): Tensor["data"] {
  const whole = new (lower.constructor as Float32ArrayConstructor)(side * side);
  let from = 0;
  for (let row = 0; row < side; row++)
    whole.set(lower.subarray(from, (from += row + 1)), row * side);
  return whole;
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
