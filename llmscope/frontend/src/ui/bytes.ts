import { label as words } from "#words/label";
import { fill } from "../words/fill";

const PIECE = /^(.+) (\d+)\/(\d+)$/su;
const BYTES = /^⟨([0-9A-F]{2}(?: [0-9A-F]{2})*)⟩$/;

/** What a token that is only a part of a character is, in words; `null` for any other. */
export function explained(label: string): string | null {
  const [, character, place, count] = PIECE.exec(label) ?? [];
  if (character && place && count)
    return fill(words.piece, {
      place: words.ordinals[Number(place) - 1] ?? place,
      count: words.numbers[Number(count) - 1] ?? count,
      character,
    });
  const bytes = BYTES.exec(label)?.[1]?.split(" ");
  if (!bytes) return null;
  return bytes
    .map((byte) => fill(words.byte, { byte, role: words.roles[roleOf(Number.parseInt(byte, 16))] }))
    .join(words.bytes);
}

/** What a byte is in UTF-8 (RFC 3629, section 4). */
function roleOf(byte: number): keyof typeof words.roles {
  if (byte < 0x80) return "ascii";
  if (byte < 0xc0) return "next";
  if (byte < 0xc2 || byte > 0xf4) return "never";
  return byte < 0xe0 ? "two" : byte < 0xf0 ? "three" : "four";
}
