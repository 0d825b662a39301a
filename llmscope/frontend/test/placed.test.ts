import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { takesFocus } from "../src/app/lesson/focus";

let sized: (() => void)[] = [];
beforeEach(() => {
  sized = [];
  vi.stubGlobal(
    "ResizeObserver",
    class {
      constructor(act: () => void) {
        sized.push(act);
      }
      observe() {}
      disconnect() {
        sized = [];
      }
    },
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

function drawn() {
  const [notebook, host, lesson] = [1, 2, 3].map(() => document.createElement("div"));
  notebook!.className = "jp-NotebookPanel-notebook";
  lesson!.tabIndex = -1;
  host!.append(lesson!);
  const place = () => {
    document.body.append(notebook!);
    notebook!.append(host!);
    Object.defineProperty(host, "offsetHeight", { value: 600 });
    for (const act of sized) act();
  };
  return { host: host!, lesson: lesson!, place };
}

test("a lesson that is drawn before it is put into its notebook takes the focus there", () => {
  const { host, lesson, place } = drawn();
  const end = takesFocus(host, lesson);
  expect(document.activeElement).not.toBe(lesson);
  place();
  expect(document.activeElement).toBe(lesson);
  end();
});

test("one that is taken away before takes none", () => {
  const { host, lesson, place } = drawn();
  takesFocus(host, lesson)();
  place();
  expect(document.activeElement).not.toBe(lesson);
});
