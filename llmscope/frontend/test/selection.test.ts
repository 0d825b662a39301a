import * as d3 from "d3-selection";
import { describe, expect, test } from "vitest";
import * as own from "../src/draw/selection";

// Whatever is said of ours is said of d3's own as well.
describe.each([
  ["d3-selection", d3.select as unknown as typeof own.select],
  ["its stand-in", own.select],
])("%s", (_, select) => {
  const count = () => {
    const seen: string[] = [];
    return { seen, as: (name: string) => () => void seen.push(name) };
  };

  test("a new listener takes the place of the one with the same name", () => {
    const { seen, as } = count();
    const element = document.createElement("div");
    select(element).call((it) => it.on("click.zoom", as("one")));
    select(element).on("click.zoom", as("two"));
    select(element).on("click.other", as("three"));
    element.click();
    expect(seen).toEqual(["two", "three"]);
  });

  test("listeners go one by one, several at once, and all of a name", () => {
    const { seen, as } = count();
    const element = document.createElement("div");
    const on = select(element);
    for (const type of ["click", "keyup", "wheel"]) on.on(`${type}.zoom`, as(type));
    expect(on.on("wheel.zoom")).toBeTypeOf("function");
    on.on("click.zoom keyup.zoom", null);
    for (const type of ["click", "keyup", "wheel"]) element.dispatchEvent(new Event(type));
    expect(seen).toEqual(["wheel"]);
    on.on(".zoom", null);
    element.dispatchEvent(new Event("wheel"));
    expect(seen).toEqual(["wheel"]);
    expect(on.on("wheel.zoom")).toBeUndefined();
  });

  test("what is filtered out is left alone", () => {
    const element = document.createElement("div");
    const none = select(element).filter(() => false);
    none.style("color", "red").property("zoomed", () => 1);
    expect([none.node(), element.style.color, "zoomed" in element]).toEqual([null, "", false]);
    select(element)
      .filter(() => true)
      .style("color", "red")
      .property("zoomed", () => 1);
    expect([element.style.color, "zoomed" in element]).toEqual(["red", true]);
  });
});
