import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KernelSource } from "../src/sources/kernel";

class Told {
  hearers = new Set<(sender: unknown, told: unknown) => void>();
  connect(hear: (sender: unknown, told: unknown) => void) {
    this.hearers.add(hear);
  }
  disconnect(hear: (sender: unknown, told: unknown) => void) {
    this.hearers.delete(hear);
  }
  emit(told: unknown) {
    this.hearers.forEach((hear) => hear(null, told));
  }
}

interface Message {
  header: { msg_id: string; msg_type: string; subshell_id: string | null };
  content: { comm_id: string; data?: unknown };
}

/** JupyterLab's connection to a kernel, which addresses comms' messages to a subshell. */
class Kernel {
  statusChanged = new Told();
  disposed = new Told();
  anyMessage = new Told();
  /** What JupyterLab names; `null` while subshells are switched off. */
  subshell: string | null = "one";
  sent: Message[] = [];
  isEnded = false;
  #way = "perCommTarget";
  #made = 1;
  get commsOverSubshells() {
    return this.#way;
  }
  set commsOverSubshells(way: string) {
    this.#way = way;
    this.subshell = way === "disabled" ? null : `made-${this.#made++}`;
  }
  sendShellMessage(msg: Message) {
    if (this.isEnded) throw new Error("Kernel is dead");
    this.sent.push(msg);
    this.anyMessage.emit({ msg, direction: "send" });
  }
  /** What a comm sends. */
  post(comm_id: string, data: unknown) {
    const header = { msg_id: `m${this.sent.length}`, msg_type: "comm_msg" };
    this.sendShellMessage({
      header: { ...header, subshell_id: this.subshell },
      content: { comm_id, data },
    });
  }
  /** The kernel refuses a message. */
  refuse(message: Message, subshell = message.header.subshell_id) {
    const content = {
      ename: "UnknownSubshellError",
      evalue: `Unknown subshell_id '${subshell}'`,
    };
    const msg = { header: { msg_id: "r" }, parent_header: message.header, content };
    this.anyMessage.emit({ msg, direction: "recv" });
  }
}

const connect = (kernel: Kernel, comm_id = "ours") => {
  const comm = {
    send: (content: unknown) => kernel.post(comm_id, content),
    on: () => {},
    off: () => {},
    widget_manager: { kernel },
  };
  const source = new KernelSource(comm as never, 1);
  source.ask("x").catch(() => {});
  return source;
};
const again = ({ sent }: Kernel) => sent.filter(({ header }) => "date" in header);
const data = (messages: Message[]) => messages.map(({ content }) => content.data);

describe("what went to a subshell that is gone", () => {
  let kernel: Kernel;
  beforeEach(() => {
    vi.useFakeTimers();
    kernel = new Kernel();
  });
  afterEach(() => void vi.useRealTimers());

  test("is sent again, by its own id and to no subshell", async () => {
    connect(kernel);
    kernel.post("ours", { method: "update" });
    const lost = [...kernel.sent];
    expect(lost).toHaveLength(2);
    lost.forEach((message) => kernel.refuse(message));
    expect(kernel.commsOverSubshells).toBe("disabled");
    await vi.runAllTimersAsync();
    const sent = again(kernel);
    expect(data(sent)).toEqual([{ request: 1, key: "x" }, { method: "update" }]);
    expect(sent.map(({ header }) => header.msg_id)).toEqual(["m0", "m1"]);
    expect(sent.every(({ header }) => header.subshell_id === null)).toBe(true);
    expect(kernel.commsOverSubshells).toBe("perCommTarget");
  });

  test("of another comm is let be, and so is an error of another kind", async () => {
    connect(kernel);
    kernel.post("theirs", {});
    kernel.refuse(kernel.sent[1]!);
    const content = { ename: "ValueError", evalue: "one" };
    kernel.anyMessage.emit({
      msg: { header: {}, parent_header: kernel.sent[0]!.header, content },
      direction: "recv",
    });
    await vi.runAllTimersAsync();
    expect(again(kernel)).toEqual([]);
    expect(kernel.commsOverSubshells).toBe("perCommTarget");
  });

  test("has JupyterLab forget it once, however many views learn of it", async () => {
    connect(kernel);
    connect(kernel, "second");
    const change = vi.spyOn(kernel, "commsOverSubshells", "set");
    const [first, second] = kernel.sent;
    kernel.refuse(first!);
    kernel.refuse(second!);
    await vi.runAllTimersAsync();
    expect(change.mock.calls).toEqual([["disabled"], ["perCommTarget"]]);
    expect(again(kernel)).toHaveLength(2);
    kernel.refuse(second!);
    await vi.runAllTimersAsync();
    expect(change.mock.calls).toHaveLength(2);
  });

  test("though JupyterLab names another, is only sent again", async () => {
    connect(kernel);
    kernel.refuse(kernel.sent[0]!, "another"); // from where the comm's last own message came
    await vi.runAllTimersAsync();
    expect(kernel.subshell).toBe("one");
    expect(again(kernel)).toHaveLength(1);
  });

  test("is sent again as often as it is lost, at intervals", async () => {
    connect(kernel);
    for (const times of [1, 2, 3]) {
      kernel.refuse(kernel.sent[0]!);
      await vi.advanceTimersByTimeAsync(150);
      expect(again(kernel)).toHaveLength(times - 1);
      await vi.advanceTimersByTimeAsync(100);
      expect(again(kernel)).toHaveLength(times);
    }
  });

  test("is dropped when the kernel ends, or the view", async () => {
    const source = connect(kernel);
    kernel.isEnded = true;
    kernel.refuse(kernel.sent[0]!);
    await vi.runAllTimersAsync();
    expect(again(kernel)).toEqual([]);
    kernel.isEnded = false;
    kernel.refuse(kernel.sent[0]!);
    source.close();
    await vi.runAllTimersAsync();
    expect(again(kernel)).toEqual([]);
    expect(kernel.anyMessage.hearers.size).toBe(0);
    expect(kernel.commsOverSubshells).toBe("perCommTarget");
  });
});

test("a subshell that JupyterLab made hears what has no answer yet, while the view is there", () => {
  vi.useFakeTimers();
  try {
    const kernel = new Kernel();
    const made = { header: { msg_id: "s", msg_type: "create_subshell_reply" }, content: {} };
    const source = connect(kernel);
    vi.advanceTimersByTime(1000);
    const before = kernel.sent.length;
    kernel.anyMessage.emit({ msg: { ...made, parent_header: {} }, direction: "recv" });
    vi.advanceTimersByTime(1000);
    expect(data(kernel.sent.slice(before))).toEqual([{ request: 1, key: "x", again: true }]);
    source.close();
    kernel.anyMessage.emit({ msg: { ...made, parent_header: {} }, direction: "recv" });
    vi.advanceTimersByTime(1000);
    expect(kernel.sent).toHaveLength(before + 1);
  } finally {
    vi.useRealTimers();
  }
});
