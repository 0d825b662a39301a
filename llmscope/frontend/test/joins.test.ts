import { describe, expect, test } from "vitest";
import { followJoins } from "../src/store/joins";
import { PlainTraits } from "../src/store/traits";

const SAMPLING = ["temperature", "top_k"];

function linked(id: string) {
  const join = { id, both: SAMPLING, gives: ["_path"], takes: [] as string[] };
  const [one, other] = [
    new PlainTraits({ temperature: 1, top_k: 0, _path: "", _joins: [join] }),
    new PlainTraits({
      temperature: 1,
      top_k: 0,
      _path: "",
      _joins: [{ ...join, gives: [], takes: ["_path"] }],
    }),
  ];
  return { one, other };
}

describe("linked views", () => {
  test("move together, both ways, whoever comes first", () => {
    const { one, other } = linked("a");
    followJoins(one);
    one.set("temperature", 0.5);
    followJoins(other); // It takes over what is there.
    expect(other.get("temperature")).toBe(0.5);
    one.set("top_k", 7);
    expect(other.get("top_k")).toBe(7);
    other.set("temperature", 2);
    expect(one.get("temperature")).toBe(2);
  });

  test("follow a path one way only", () => {
    const { one, other } = linked("b");
    followJoins(other);
    one.set("_path", "ids/1");
    followJoins(one);
    expect(other.get("_path")).toBe("");
    one.set("_path", "ids/1,2");
    expect(other.get("_path")).toBe("ids/1,2");
    other.set("_path", "");
    expect(one.get("_path")).toBe("ids/1,2");
  });

  test("part when Python says so, and join again", () => {
    const { one, other } = linked("c");
    followJoins(one);
    followJoins(other);
    const joins = one.get("_joins");
    one.set("_joins", []);
    one.set("temperature", 0.1);
    expect(other.get("temperature")).toBe(1);
    one.set("_joins", joins);
    expect(one.get("temperature")).toBe(1);
    other.set("temperature", 0.3);
    expect(one.get("temperature")).toBe(0.3);
  });

  test("part when one is closed", () => {
    const { one, other } = linked("d");
    const close = followJoins(one);
    followJoins(other);
    close();
    other.set("temperature", 0.2);
    expect(one.get("temperature")).toBe(1);
  });

  test("are two of any number", () => {
    const [ab, cd] = [linked("e"), linked("f")];
    // Of three in a row, the middle one has both links.
    ab.other.set("_joins", [
      ...(ab.other.get("_joins") as object[]),
      ...(cd.one.get("_joins") as object[]),
    ]);
    for (const traits of [ab.one, ab.other, cd.other]) followJoins(traits);
    ab.one.set("temperature", 0.7);
    expect(cd.other.get("temperature")).toBe(0.7);
    cd.other.set("top_k", 3);
    expect(ab.one.get("top_k")).toBe(3);
  });
});
