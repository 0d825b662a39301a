import { beforeEach, describe, expect, test, vi } from "vitest";
import { isAlive, runUpTo } from "../src/lab/kernel";
import { showKept } from "../src/lab/kept";
import { KEPT_TYPE } from "../src/protocol/shared";
import "../src/lab";

describe("JupyterLab's container", () => {
  const { _JUPYTERLAB } = globalThis as never as {
    _JUPYTERLAB: Record<
      string,
      { init(shared: object): void; get(name: string): Promise<() => { default: object }> }
    >;
  };
  const container = _JUPYTERLAB["jupyter-llmscope"]!;
  const version = (name: string, loaded?: 1) => ({
    loaded,
    get: async () => () => ({ INotebookTracker: name, Panel: class {} }),
  });

  test("takes the packages that are loaded, and else the newest", async () => {
    container.init({
      "@lumino/widgets": { "2.1.0": version("old") },
      "@jupyterlab/notebook": {
        "4.9.0": version("4.9.0"),
        "4.10.0": version("4.10.0"),
        "4.2.0": version("4.2.0", 1),
      },
    });
    const made = await container.get("./extension");
    expect(made().default).toMatchObject({ id: "jupyter-llmscope:plugin", requires: ["4.2.0"] });
    container.init({
      "@lumino/widgets": { "2.1.0": version("old") },
      "@jupyterlab/notebook": { "4.9.0": version("4.9.0"), "4.10.0": version("4.10.0") },
    });
    expect((await container.get("./extension"))().default).toMatchObject({ requires: ["4.10.0"] });
  });

  test("says what is missing", async () => {
    await expect(container.get("./other")).rejects.toThrow("no ./other");
    container.init({});
    await expect(container.get("./extension")).rejects.toThrow("shares no @lumino/widgets");
  });
});

describe("what was kept", () => {
  const node = document.createElement("div");
  const show = (data: Record<string, unknown>, trusted = true) =>
    showKept(node, { trusted, metadata: {}, data: { [KEPT_TYPE]: {}, ...data }, setData: vi.fn() });
  const page = { [KEPT_TYPE]: { page: "<p>live</p>" }, "image/png": "UE5H" };

  beforeEach(() => node.replaceChildren());

  test("is a page that is shut in", () => {
    show(page);
    const frame = node.querySelector("iframe")!;
    expect(frame.getAttribute("sandbox")).toBe("allow-scripts allow-downloads");
    expect(frame.srcdoc).toBe("<p>live</p>");
    expect(node.querySelector("button")!.textContent).toBe("Run up to here");
  });

  test("is a picture where nobody trusts the notebook, and nothing that runs", () => {
    show({ ...page, "text/plain": ["two\n", "lines"] }, false);
    expect(node.querySelector("img")!.src).toBe("data:image/png;base64,UE5H");
    expect(node.querySelector("img")!.alt).toBe("two\nlines");
    expect(node.querySelector("iframe, button")).toBeNull();
  });

  test("is words, which are no markup, where there is no picture", () => {
    show({ "text/plain": "<b>The</b> capital" });
    expect(node.querySelector("b")).toBeNull();
    expect(node.textContent).toContain("<b>The</b> capital");
  });
});

describe("a kernel", () => {
  const kernelOf = (comms: Record<string, unknown>, own: string[] = []) => ({
    hasComm: (id: string) => own.includes(id),
    requestCommInfo: vi.fn(async () => ({ content: { status: "ok", comms } })),
  });
  const context = (kernel: ReturnType<typeof kernelOf> | null) => ({
    ready: Promise.resolve(),
    session: kernel && { kernel },
  });

  test("has a widget that it tells of, and is asked once for those of before", async () => {
    const kernel = kernelOf({ before: {} }, ["own"]);
    expect(await isAlive(context(kernel), "own")).toBe(true);
    expect(kernel.requestCommInfo).not.toHaveBeenCalled();
    expect(await isAlive(context(kernel), "before")).toBe(true);
    expect(await isAlive(context(kernel), "gone")).toBe(false);
    expect(kernel.requestCommInfo).toHaveBeenCalledTimes(1);
    expect(await isAlive(context(null), "own")).toBe(false);
  });

  test("runs the cells above an output and its own, unless one of them fails", async () => {
    const cells = ["a", "b"].map(() => ({ node: document.createElement("div") }));
    const output = cells[1]!.node.appendChild(document.createElement("p"));
    const content = { widgets: cells, activeCellIndex: 0, deselectAll: vi.fn() };
    const execute = vi.fn(async () => true);
    const run = () => runUpTo({ commands: { execute } }, { content } as never, output);
    await run();
    expect(execute.mock.calls).toEqual([["notebook:run-all-above"], ["notebook:run-cell"]]);
    expect(content.activeCellIndex).toBe(1);
    execute.mockClear().mockResolvedValue(false);
    await run();
    expect(execute.mock.calls).toEqual([["notebook:run-all-above"]]);
  });
});
