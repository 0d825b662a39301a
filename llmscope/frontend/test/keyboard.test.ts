import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { HANDED_ON } from "../src/host/frame";
import { PANELS } from "../src/panels/registry";
import { PRESETS } from "../src/sampling/presets";
import { type Entry, KEYS, chordOf, onKeys } from "../src/ui/keys";
import { keys } from "#words/keys";
import { nextToken } from "#words/next-token";

const SRC = join(import.meta.dirname, "../src");
const TABLE = "ui/keys.ts";
const HANDS_ON = join("host", "frame.ts");
/** What lessons and other panels are promised. */
const KEPT_FREE = ["PageUp", "PageDown"];

const entries = Object.entries(KEYS).flatMap(([scope, { acts }]) =>
  Object.entries<Entry>(acts).flatMap(([act, entry]) =>
    entry.keys.map((key) => ({ scope, key, entry, name: `${act} in ${scope}` })),
  ),
);
const around = entries.filter(({ scope }) => scope === "page" || scope === "stage");
/** A lesson stands where a stage does, and takes what nothing within takes. */
const lessons = entries.filter(({ scope }) => scope === "lesson");
const others = entries.filter((one) => !lessons.includes(one));

describe("where Chinese is typed", () => {
  const pressed = (key: string, isComposing = false) => {
    const help = vi.fn();
    const acts = new Proxy({}, { get: () => help });
    const event = new KeyboardEvent("keydown", { key, isComposing });
    onKeys("page", acts as never)(Object.assign(event, { composedPath: () => [document.body] }));
    return help.mock.calls.length;
  };

  test("a wide sign is the key that it is on", () => expect(pressed("？")).toBe(pressed("?")));

  test("a key that takes what is being typed does nothing else", () => {
    expect([pressed("Escape"), pressed("Escape", true)]).toEqual([1, 0]);
  });
});

describe("the table of keys", () => {
  test.each(Object.keys(KEYS))("has no key twice in the scope %s", (scope) => {
    const keys = entries.filter((one) => one.scope === scope).map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("has no key both on the page and on the stage", () => {
    const page = around.filter(({ scope }) => scope === "page");
    for (const all of [around, [...page, ...lessons.filter(({ entry }) => !entry.instead)]]) {
      const keys = all.map(({ key }) => key);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  test("says where a panel takes a key from the page", () => {
    const taken = new Set(around.filter(({ entry }) => !entry.outside).map(({ key }) => key));
    for (const { entry, name } of others.filter((one) => !around.includes(one)))
      expect(entry.instead ?? false, name).toBe(entry.keys.some((key) => taken.has(key)));
  });

  test("keeps free what lessons need", () => {
    const bare = others.map(({ key }) => key.replace(/^.*\+(?=.)/, ""));
    expect(bare.filter((key) => KEPT_FREE.includes(key))).toEqual([]);
  });

  test("names a panel where it isn't about the whole page", () => {
    const names = PANELS.map(({ name }) => name);
    for (const [scope, section] of Object.entries(KEYS))
      if ("panel" in section) expect(names).toContain(section.panel);
      else expect(["page", "stage", "lesson"]).toContain(scope);
  });

  test("has a key for each preset", () => {
    expect(KEYS.page.acts.preset.keys).toHaveLength(PRESETS.length);
    for (const { name } of PRESETS)
      expect(keys.scopes.page.acts.preset).toContain(nextToken.presets[name].name);
  });

  test("is the only place that knows a key, and each scope has one handler", () => {
    const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter(
      (name) => /\.tsx?$/.test(name) && !name.startsWith("words"),
    );
    const handled: string[] = [];
    for (const name of files) {
      const code = readFileSync(join(SRC, name), "utf8");
      handled.push(...Array.from(code.matchAll(/onKeys\("(\w+)"/g), ([, scope]) => scope!));
      const reads = /\bevent\.(key|code|which|keyCode)\b|"(Arrow\w+|Escape|Enter|Page(Up|Down))"/;
      // A frame hands on what the table leaves to the page around.
      const own = name === TABLE || name === HANDS_ON ? null : reads.exec(code);
      expect(own?.[0], name).toBeUndefined();
    }
    expect(handled.sort()).toEqual(Object.keys(KEYS).sort());
  });
});

test("keys that a frame hands on do nothing here, but in lessons, and for Escape, which ends what there is", () => {
  const taken = new Set<string>(others.map(({ key }) => key));
  expect(Object.keys(HANDED_ON).filter((key) => taken.has(key))).toEqual(["Escape"]);
});

describe("a key that is pressed", () => {
  const pressed = (key: string, more: KeyboardEventInit = {}) =>
    new KeyboardEvent("keydown", { key, cancelable: true, ...more });

  test.each<[string, string, KeyboardEventInit]>([
    ["?", "?", { shiftKey: true }],
    ["Mod+z", "z", { ctrlKey: true }],
    ["Mod+z", "z", { metaKey: true }],
    ["Mod+Shift+z", "Z", { ctrlKey: true, shiftKey: true }],
    ["Alt+1", "¡", { altKey: true, code: "Digit1" }],
    ["Alt+m", "µ", { altKey: true, code: "KeyM" }],
    ["Shift+ArrowUp", "ArrowUp", { shiftKey: true }],
    ["Space", " ", {}],
    ["f", "F", {}],
  ])("is %s in the table", (chord, key, more) => {
    expect(chordOf(pressed(key, more))).toBe(chord);
  });

  const act = vi.fn<() => boolean | void>();
  const press = (event: KeyboardEvent, on: HTMLElement = document.createElement("div")) => {
    act.mockReset();
    on.addEventListener(
      "keydown",
      onKeys("heads", { move: act, off: vi.fn(), mlp: vi.fn(), pin: act }),
      {
        once: true,
      },
    );
    on.dispatchEvent(event);
    return event;
  };

  test("does what its scope says, and nothing else then", () => {
    expect(press(pressed("ArrowUp")).defaultPrevented).toBe(true);
    expect(act).toHaveBeenCalledWith(expect.objectContaining({ down: -1, right: 0 }));
    press(pressed("ArrowUp", { shiftKey: true }));
    expect(act).toHaveBeenCalledOnce();
  });

  test.each([
    ["with Ctrl", { ctrlKey: true }],
    ["with Alt", { altKey: true, code: "ArrowUp" }],
  ])("%s belongs to the browser", (_, held) => {
    expect(press(pressed("ArrowUp", held)).defaultPrevented).toBe(false);
    expect(act).not.toHaveBeenCalled();
  });

  test("that did something within does nothing around it", () => {
    const event = pressed("ArrowUp");
    event.preventDefault();
    press(event);
    expect(act).not.toHaveBeenCalled();
  });

  test("writes where one types", () => {
    expect(press(pressed("ArrowUp"), document.createElement("textarea")).defaultPrevented).toBe(
      false,
    );
    expect(act).not.toHaveBeenCalled();
  });
});
