import { describe, expect, test } from "vitest";
import { rankOf } from "../src/app/lesson/guess";
import { sortLogits } from "../src/sampling/sampling";
import type { NextToken } from "../src/store/state";

/** Tokens by rank, of a vocabulary of `all`; a page names only those. */
function next(texts: string[], all = texts.length): NextToken {
  const sorted = sortLogits(Float32Array.from({ length: all }, (_, id) => -id));
  return { sorted, texts: [], labels: texts, known: texts.length } as unknown as NextToken;
}

describe("a guess", () => {
  test("is a token, however it is written", () => {
    expect(rankOf(next(["·cat", "·dog"]), "Dog")).toEqual({ rank: 1, isWhole: true });
  });

  test("of several tokens begins with the longest of them", () => {
    expect(rankOf(next(["d", "do", "cat"]), "dog")).toEqual({ rank: 1, isWhole: false });
  });

  test("has no rank where a page may lack a longer beginning than it has", () => {
    expect(rankOf(next(["d", "do", "cat"], 50), "dog")).toBeNull();
    expect(rankOf(next(["d", "do", "cat"], 50), "cat")).toEqual({ rank: 2, isWhole: true });
  });
});
