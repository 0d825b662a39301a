// @vitest-environment node
import { expect, test } from "vitest";
import { explained } from "../src/ui/bytes";

const encoder = new TextEncoder();
const hex = (byte: number) => byte.toString(16).toUpperCase().padStart(2, "0");

/** For each byte that a character can begin with, how long such characters are; those that can follow. */
function used(): { lengths: Map<number, number>; following: Set<number> } {
  const lengths = new Map<number, number>();
  const following = new Set<number>();
  for (let point = 0; point <= 0x10ffff; point++) {
    if (point >= 0xd800 && point < 0xe000) continue; // halves of a pair are no characters
    const [first, ...rest] = encoder.encode(String.fromCodePoint(point));
    lengths.set(first!, rest.length + 1);
    for (const byte of rest) following.add(byte);
  }
  return { lengths, following };
}

test("each byte is what it is in all characters of Unicode", () => {
  const { lengths, following } = used();
  const long = [, , "two", "three", "four"];
  for (let byte = 0; byte < 256; byte++) {
    const length = lengths.get(byte);
    const role =
      length === 1
        ? "a whole character of ASCII"
        : length
          ? `the first byte of some characters of ${long[length]} bytes`
          : following.has(byte)
            ? "one after the first byte of a character"
            : "never in UTF-8";
    expect(explained(`⟨${hex(byte)}⟩`)).toBe(`byte ${hex(byte)}: ${role}`);
  }
});

test("several bytes are told one by one, pieces by their place", () => {
  expect(explained("⟨E4 BD⟩")).toBe(
    "byte E4: the first byte of some characters of three bytes; byte BD: one after the first byte of a character",
  );
  expect(explained("首 3/3")).toBe("third of the three tokens that make 首");
  expect(explained("ﷺ 5/18")).toBe("5 of the 18 tokens that make ﷺ");
});

test.each(["", "a", "·the", "3/3", "·3/3", "⟨LRM⟩", "⟨U+0007⟩", "⟨VS16⟩", "⟨49999⟩", "⟨E4"])(
  "“%s” needs no words",
  (label) => expect(explained(label)).toBeNull(),
);
