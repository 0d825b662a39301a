// @vitest-environment node
import { expect, test } from "vitest";
import { pieces } from "../src/panels/tokens/pieces";
import { tokenOf } from "../src/protocol/answers";
import type { Row } from "../src/store/text-input";

const trace = (text: string, spans: [number, number][]): Row => ({
  text,
  first: 0,
  tokens: spans.map(([start, end], id) => tokenOf([id, text.slice(start, end), start, end, false])),
});

test("a text is cut where its tokens end", () => {
  expect(
    pieces(
      trace("the dog", [
        [0, 3],
        [3, 7],
      ]),
      "the dog",
    ),
  ).toEqual([
    { text: "the", tokens: [0] },
    { text: " dog", tokens: [1] },
  ]);
});

test("pieces of one character stand together", () => {
  expect(
    pieces(
      trace("a字b", [
        [0, 1],
        [1, 2],
        [1, 2],
        [2, 3],
      ]),
      "a字b",
    ),
  ).toEqual([
    { text: "a", tokens: [0] },
    { text: "字", tokens: [1, 2] },
    { text: "b", tokens: [3] },
  ]);
});

test("special tokens without text have no piece", () => {
  expect(
    pieces(
      trace("ab", [
        [0, 0],
        [0, 2],
        [2, 2],
      ]),
      "ab",
    ),
  ).toEqual([{ text: "ab", tokens: [1] }]);
});

test("what is typed before the model has read it has no tokens yet", () => {
  expect(
    pieces(
      trace("the dog", [
        [0, 3],
        [3, 7],
      ]),
      "the dogs run",
    ),
  ).toEqual([
    { text: "the", tokens: [0] },
    { text: " dog", tokens: [1] },
    { text: "s run", tokens: [] },
  ]);
  expect(
    pieces(
      trace("the dog", [
        [0, 3],
        [3, 7],
      ]),
      "the cat",
    ),
  ).toEqual([
    { text: "the", tokens: [0] },
    { text: " cat", tokens: [] },
  ]);
});
