import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { readAddress, writeAddress } from "../workshop/address";
import { PANELS, PageSource, PlainTraits, Store, readPage, withSteps } from "../workshop/front";
import { traitsOf } from "../workshop/traits";

const FOLDER = join(__dirname, "../workshop/fixtures");
const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".page"))
  .map((name) => name.slice(0, -".page".length));

type Page = Awaited<ReturnType<typeof readPage>>;
const panelsOf = ({ views }: Page) => views[0]!.traits._panels as string[];
/** Whether the first view shows a text through a model. */
const needsModel = (page: Page) =>
  PANELS.some(({ name, needsModel }) => needsModel !== false && panelsOf(page).includes(name));
/** Whether it shows what was kept of a training: no model is there, and no other text. */
const isTraining = (page: Page) => panelsOf(page).includes("training");

describe("fixtures", () => {
  test.each(NAMES)(
    "%s opens without Python, and answers what its first view reads",
    async (name) => {
      const page = await readPage(readFileSync(join(FOLDER, `${name}.page`), "ascii"));
      expect(page.sources).toHaveLength(1);
      const source = new PageSource(page.sources[0]!);
      const { model } = await source.ask<{ model?: { name: string } }>("model");
      const keys = Object.keys(page.sources[0]!.answers);
      const hasModel = needsModel(page) && !isTraining(page);
      expect(Boolean(model?.name)).toBe(hasModel);
      expect(keys.some((key) => /^(text|read|ids)\//.test(key))).toBe(hasModel);
      expect(keys.some((key) => /^training\/step\//.test(key))).toBe(isTraining(page));
      for (const key of keys) expect(source.lacks(key)).toBeNull();
    },
  );

  test.each(NAMES)("%s is shown by the store without a problem", async (name) => {
    const page = await readPage(readFileSync(join(FOLDER, `${name}.page`), "ascii"));
    const traits = new PlainTraits(traitsOf(page, readAddress("", name)));
    const source = withSteps(new PageSource(page.sources[0]!), traits.get("_panels"));
    const store = new Store(source, traits);
    store.look(1);
    if (needsModel(page))
      await vi.waitFor(() => expect(store.trace.value?.tokens.length).toBeGreaterThan(0));
    expect(store.problem.value).toBeNull();
    store.close();
  });

  test("together they stay small", () => {
    const sizes = readdirSync(FOLDER).map((name) => readFileSync(join(FOLDER, name)).length);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(3_400_000);
  });
});

describe("the address of the workshop", () => {
  test("says what is shown; what else it names are traits", () => {
    const address = readAddress(
      "#fixture=cjk&panel=attention&theme=dark&lang=zh&width=600&pace=50&mode=arcs&heads=[[0,1]]&lecture=true",
      "causal",
    );
    expect(address).toEqual({
      fixture: "cjk",
      panel: "attention",
      theme: "dark",
      lang: "zh",
      width: 600,
      pace: 50,
      hints: false,
      traits: { mode: "arcs", heads: [[0, 1]], lecture: true },
    });
    expect(readAddress(writeAddress(address), "causal")).toEqual(address);
  });

  test("shows everything of the first fixture where it says nothing", () => {
    expect(readAddress("", "causal")).toEqual({
      fixture: "causal",
      panel: "all",
      theme: "light",
      lang: "en",
      width: 1150,
      pace: 0,
      hints: false,
      traits: {},
    });
  });
});
