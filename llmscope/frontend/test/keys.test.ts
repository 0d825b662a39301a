// @vitest-environment node
import { describe, expect, test } from "vitest";
import shared from "../../shared.json";
import vectors from "../../../tests/vectors/keys.json";
import { type Request, formatKey, parseKey } from "../src/protocol/keys";
import * as constants from "../src/protocol/shared";

/** Names of fields as the page has them: `without_first` is `withoutFirst`. */
const camelCased = (item: unknown): unknown =>
  JSON.parse(
    JSON.stringify(item).replace(/"(\w+)_(\w)(\w*)":/g, (_, first, letter, rest) => {
      return `"${first}${letter.toUpperCase()}${rest}":`;
    }),
  );

/** As `tests/unit/test_protocol.py` holds Python's. */
describe("the grammar of keys", () => {
  const good = vectors
    .filter((one) => one.request)
    .map(({ key, request }) => ({ key, request: camelCased(request) as Request }));
  const bad = vectors.filter((one) => one.error).map(({ key }) => key);
  const bounds = vectors.filter((one) => one.most);

  test.each(good)("$key is parsed and formatted", ({ key, request }) => {
    expect(parseKey(key)).toEqual(request);
    expect(formatKey(request)).toBe(key);
  });

  test.each(bad)("%j is refused", (key) => expect(parseKey(key)).toBeNull());

  test.each(bounds)("$key has at most $most of $repeat", ({ key, repeat, most }) => {
    const longest = key.replace("…", repeat!.repeat(most!));
    expect(formatKey(parseKey(longest)!) === longest).toBe(true);
    expect(parseKey(key.replace("…", repeat!.repeat(most! + 1)))).toBeNull();
  });

  test("all kinds of vectors are there", () => {
    expect(good.length).toBeGreaterThan(30);
    expect(bad.length).toBeGreaterThan(50);
    expect(bounds.length).toBeGreaterThan(5);
  });
});

test("types name what the shared file holds", () => {
  const all = <T extends string>(names: Record<T, true>) => Object.keys(names);
  expect(all<constants.Kind>({ self: true, encoder: true, cross: true })).toEqual(constants.KINDS);
  expect(all<constants.Mode>({ matrix: true, arcs: true, steps: true })).toEqual(constants.MODES);
  expect(
    all<constants.Combine>({ none: true, mean: true, max: true, difference: true, rollout: true }),
  ).toEqual(constants.COMBINE);
  expect(all<constants.Direction>({ from: true, to: true })).toEqual(constants.DIRECTIONS);
  expect(all<constants.ColorScale>({ sqrt: true, linear: true, log: true })).toEqual(
    constants.COLOR_SCALES,
  );
  expect(all<constants.Segments>({ all: true, aa: true, ab: true, ba: true, bb: true })).toEqual(
    constants.SEGMENTS,
  );
  expect(
    all<constants.ScoreName>({
      previous: true,
      first: true,
      self: true,
      induction: true,
      local: true,
      entropy: true,
    }),
  ).toEqual(constants.SCORES);
  expect(all<constants.Stream>({ block: true, attention: true, mlp: true })).toEqual(
    constants.STREAMS,
  );
  expect(
    all<constants.Measure>({ probability: true, entropy: true, rank: true, divergence: true }),
  ).toEqual(constants.MEASURES);
  expect(all<constants.Shade>({ probability: true, surprisal: true, rank: true })).toEqual(
    constants.SHADES,
  );
  expect(all<constants.Order>({ transformers: true, "llama.cpp": true, vllm: true })).toEqual(
    constants.ORDERS,
  );
});

test("there is a colour for each head that can be chosen, in both themes", () => {
  for (const theme of ["light", "dark"] as const)
    expect(shared.colors[theme].heads).toHaveLength(constants.MOST_HEADS);
});
