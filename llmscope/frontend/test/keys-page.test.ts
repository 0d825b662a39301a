import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createRef, h, render } from "preact";
import { expect, test } from "vitest";
import { Help } from "../src/app/help";
import { PANELS } from "../src/panels/registry";

const PAGE = join(import.meta.dirname, "../../../docs/keys.md");
const TABLE = /(<!-- written by .* -->\n)[^]*(?=<!-- until here -->)/;

/** What help lists where every panel is shown, as tables. */
function tables(): string {
  const root = document.createElement("div");
  const shown = {
    dialog: createRef<HTMLDialogElement>(),
    shown: PANELS,
    scopes: ["stage", "lesson"] as const,
  };
  render(h(Help, { ...shown, hints: undefined }), root);
  return Array.from(root.querySelectorAll("section"), (section) => {
    const acts = Array.from(section.querySelectorAll("dt"), (keys) => {
      const caps = Array.from(keys.querySelectorAll("kbd"), (cap) => cap.outerHTML);
      return `| ${caps.join(" ")} | ${keys.nextElementSibling!.textContent} |`;
    });
    const title = section.querySelector("h4")!.textContent;
    return [`## ${title}\n`, "| key | what it does |", "| --- | --- |", ...acts, ""].join("\n");
  }).join("\n");
}

test("the documentation lists all keys", async () => {
  const page = readFileSync(PAGE, "utf8");
  expect(page).toMatch(TABLE);
  const listed = page.replace(TABLE, (_, head: string) => `${head}\n${tables()}\n`);
  await expect(listed).toMatchFileSnapshot(PAGE);
});
