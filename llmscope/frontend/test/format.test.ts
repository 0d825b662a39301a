import { expect, test } from "vitest";
import { percent, weight } from "../src/ui/format";

test.each([
  [0, "0"],
  [1, "100 %"],
  [0.9234, "92.3 %"],
  [0.00912, "0.912 %"],
  [0.000001234, "0.000123 %"],
  [1.5e-9, "1.50e-7 %"],
  [0.99951, "99.95 %"],
  [0.9999999, "99.99999 %"],
])("a share of %d is %s", (share, shown) => {
  expect(percent(share)).toBe(shown);
});

test("no share but 1 is ever shown as a certainty", () => {
  for (let digits = 1; digits < 16; digits++) expect(percent(1 - 10 ** -digits)).not.toBe("100 %");
});

test.each([
  [0, "0"],
  [0.8105, "0.810"],
  [0.00004, "4.00e-5"],
  [1, "1.000"],
  [0.99996, "0.99996"],
])("a weight of %d is %s", (value, shown) => {
  expect(weight(value)).toBe(shown);
});
