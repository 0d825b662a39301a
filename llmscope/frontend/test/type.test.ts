import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const SRC = join(import.meta.dirname, "../src");
const SIZES = ["small", "plain", "large", "huge"];

test("there are four sizes of type", () => {
  // What stands in JupyterLab's own page is of its size.
  const sheets = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".css") && !name.startsWith("lab"),
  );
  expect(sheets.length).toBeGreaterThan(10);
  const known = new Set(["inherit", ...SIZES.map((name) => `var(--${name})`)]);
  const found = sheets.flatMap((name) =>
    Array.from(
      readFileSync(join(SRC, name), "utf8").matchAll(/\bfont(?:-size)?:\s*([^;\s]+)/g),
      ([, size]) => ({ name, size: size! }),
    ),
  );
  expect(found.filter(({ size }) => !known.has(size))).toEqual([]);
  expect(new Set(found.map(({ size }) => size))).toEqual(known);
});
