import { expect, test } from "vitest";
import { type Room, readAddress, writeAddress } from "../src/store/address";

const TRAITS = {
  layer: 0,
  head: 1,
  heads: [],
  mode: "matrix",
  kind: "",
  position: -1,
  temperature: 1,
  top_k: 0,
  top_p: 1,
  typical_p: 1,
  side: "edited",
  shade: "attention",
  hide_sink: false,
  effect_of: [],
  edits: [],
  text: "one",
  pair: "",
  target: "",
  masked: [],
  measure: "acc",
  _panels: ["tokens"],
};

const EDITS = [{ do: "ablate", part: ["head", 1, 0, "self"], by: "zero" }];
const room = (traits = {}): Room => ({
  traits: { ...TRAITS, ...traits },
  inputs: ["one", "tw&o=#"].map((text) => ({ text, pair: "", target: "", masked: [] })),
  most: { layer: 29, head: 8, probe: 2 },
  held: { edits: [[], EDITS], measure: ["acc", "perplexity"] },
});

const read = (hash: string, rooms = [room()]) => readAddress(hash, rooms);
const written = (now: Record<string, unknown>, one = room()) =>
  writeAddress([one], [(name) => ({ ...one.traits, ...now })[name]]);

test("what is as it was exported isn't in the address", () => {
  expect(written({})).toBe("");
  expect(written({ layer: 24, head: 4, temperature: 0.7 })).toBe(
    "#layer=24&head=4&temperature=0.7",
  );
  expect(written({ layer: 0 }, room({ layer: 3 }))).toBe("#layer=0");
});

test("what is written is read again", () => {
  const now = {
    layer: 24,
    heads: [
      [24, 4],
      [5, 2],
    ],
    mode: "arcs",
    position: 3,
    temperature: 0.05,
    top_k: 50,
    typical_p: 0.95,
    hide_sink: true,
    effect_of: [11, 42],
    edits: EDITS,
    text: "tw&o=#",
    measure: "perplexity",
  };
  const hash = written(now);
  expect(hash).toContain("heads=24.4,5.2&");
  const [said] = read(hash);
  expect(said!.problem).toBe("");
  expect(said!.traits).toEqual({ ...now, pair: "", target: "", masked: [] });
  // An empty list is a value, too.
  const full = room({ heads: [[1, 1]] });
  expect(read(written({ heads: [] }, full), [full])[0]!.traits).toEqual({ heads: [] });
});

const HOSTILE = "<img src=x onerror=alert(1)>";

test.each([
  ["layer=30", "layer", "a whole number from 0 to 29"],
  ["layer=-1", "layer", "a whole number from 0 to 29"],
  ["head=4.5", "head", "a whole number from 0 to 8"],
  ["head=", "head", "a whole number from 0 to 8"],
  ["layer=1e1", "layer", "a whole number from 0 to 29"],
  ["temperature=NaN", "temperature", "a number, 0 or more"],
  ["temperature=Infinity", "temperature", "a number, 0 or more"],
  ["top_p=1.1", "top_p", "a number from 0 to 1"],
  ["mode=Matrix", "mode", "one of matrix, arcs, steps"],
  ["mode=constructor", "mode", "one of matrix, arcs, steps"],
  ["hide_sink=1", "hide_sink", "true or false"],
  ["hide_sink=toString", "hide_sink", "true or false"],
  ["side=a", "side", "one of edited, untouched, difference"],
  ["shade=rank", "shade", "one of attention, effect"],
  ["heads=24", "heads", "up to 8 heads of the model, such as 24.4,5.2"],
  ["heads=1.1,1.1", "heads", "up to 8 heads of the model, such as 24.4,5.2"],
  ["heads=1.9", "heads", "up to 8 heads of the model, such as 24.4,5.2"],
  ["heads=0.0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8", "heads", "up to 8"],
  ["effect_of=1,2,3", "effect_of", "a token, or two, by their ids"],
  ["text=another", "text", "what this page holds"],
  ['edits=[{"do":"ablate"}]', "edits", "what this page holds"],
  [`edits=${HOSTILE}`, "edits", "what this page holds"],
  [`measure=${HOSTILE}`, "measure", "what this page holds"],
  [`text=${HOSTILE}`, "text", "what this page holds"],
])("%s is left out, and said in words", (hash, name, takes) => {
  const [said] = read(`#${hash}&position=2`);
  expect(said!.traits).toEqual({ position: 2 });
  expect(said!.problem).toContain(
    `The address sets ${name} to what it can't be: it takes ${takes}`,
  );
});

test("a text that nobody chose is left out: it follows from the step of a training", () => {
  const training = { ...room({ probe: 0 }), inputs: [] };
  expect(written({ text: "two", probe: 1 }, training)).toBe("#probe=1");
  expect(read("#probe=3", [training])[0]!.problem).toContain("a whole number from 0 to 2");
});

test("names that no view knows are counted, and never repeated", () => {
  const [said] = read(`#_panels=x&__proto__=1&constructor=2&${HOSTILE}=3&2.layer=1&layer=4`);
  expect(said!.traits).toEqual({ layer: 4 });
  expect(said!.problem).toBe("The address has 5 names that no view here knows.");
  expect(read("#x.layer=1")[0]!.problem).toBe("The address has 1 name that no view here knows.");
});

test("an anchor, and what is no address at all, says nothing", () => {
  for (const hash of ["", "#", "#section-2", "#%E0%A4%A"])
    expect(read(hash)).toEqual([{ traits: {}, problem: "" }]);
  expect(read("#layer=%E0%A4%A")[0]!.traits).toEqual({});
});

test("of several views, a name with a number is of one, and one without of all", () => {
  const { lens, ...rest } = { ...room({ lens: "rank" }).traits } as Record<string, unknown>;
  const rooms = [room(), { ...room(), traits: { ...rest, layer: 3 } }, room({ lens })];
  const said = read("#temperature=0.5&2.layer=7&3.lens=entropy&lens=rank", rooms);
  expect(said.map(({ traits }) => traits)).toEqual([
    { temperature: 0.5 },
    { temperature: 0.5, layer: 7 },
    { temperature: 0.5, lens: "rank" },
  ]);
  const now = (values: Record<string, unknown>[]) =>
    writeAddress(
      rooms,
      rooms.map(
        ({ traits }, index) =>
          (name: string) =>
            ({ ...traits, ...values[index] })[name],
      ),
    );
  expect(now([{ temperature: 0.5 }, { temperature: 0.5 }, { temperature: 0.5 }])).toBe(
    "#temperature=0.5",
  );
  expect(now([{ temperature: 0.5 }, { layer: 7 }, {}])).toBe("#2.layer=7&1.temperature=0.5");
  // As it was exported in one of them, and so in all.
  expect(now([{ layer: 3 }, {}, { layer: 3 }])).toBe("#layer=3");
});
