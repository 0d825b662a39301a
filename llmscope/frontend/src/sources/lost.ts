/** An event of JupyterLab. */
export interface Told<T> {
  connect(hear: (sender: unknown, told: T) => void): void;
  disconnect(hear: (sender: unknown, told: T) => void): void;
}

/** A message of Jupyter, as far as it matters here. */
interface Message {
  header: { msg_id: string; msg_type: string; subshell_id?: string | null };
  parent_header: { msg_id?: string };
  content: { comm_id?: string; ename?: string; evalue?: string };
}

/** What JupyterLab 4.6 can do with a kernel. */
export interface Kernel {
  anyMessage: Told<{ msg: Message; direction: "send" | "recv" }>;
  commsOverSubshells: string;
  sendShellMessage(message: Message): unknown;
}

/** What ipykernel answers to a message for a subshell that is gone. */
const UNKNOWN = "UnknownSubshellError";

/** As many of the last messages are kept: an answer that one was lost comes at once. */
const KEPT = 100;

/** What is lost within this time is sent again together; JupyterLab makes a subshell meanwhile. */
const AGAIN_MS = 200;

/** What the kernel answers when JupyterLab has it make a subshell for comms. */
const MADE = "create_subshell_reply";

/** After which JupyterLab sends a comm's messages there. */
const MADE_MS = 50;

/** By kernel, for all views of the page: each has a bundle of its own. */
const FORGOTTEN = Symbol.for("llmscope.forgotten");

/** Has JupyterLab forget the subshells of a kernel and make new ones, once for each that is gone. */
function forget(kernel: Kernel & { [FORGOTTEN]?: Set<string> }, subshell: string): void {
  const forgotten = (kernel[FORGOTTEN] ??= new Set());
  const { commsOverSubshells } = kernel;
  if (forgotten.has(subshell) || commsOverSubshells === "disabled") return;
  forgotten.add(subshell);
  kernel.commsOverSubshells = "disabled";
  setTimeout(() => (kernel.commsOverSubshells = commsOverSubshells), AGAIN_MS / 2);
}

/**
 * Sends the messages of a comm again that went to a subshell of the kernel which is gone: JupyterLab
 * 4.6 may go on addressing one that died, or that it ended itself.
 */
export class LostMessages {
  #comm: string | undefined;
  #sent = new Map<string, Message>();
  #lost: Message[] = [];
  #isSending = false;
  #timer = 0;

  /**
   * @param askAgain is called once the comm has a subshell: what was sent before may wait behind a cell.
   */
  constructor(
    private readonly kernel: Kernel,
    private readonly askAgain: () => void,
  ) {
    kernel.anyMessage.connect(this.#hear);
  }

  /** Calls what sends a message, and learns which comm it goes by. */
  watch(send: () => void): void {
    this.#isSending = true;
    try {
      send();
    } finally {
      this.#isSending = false;
    }
  }

  close(): void {
    this.kernel.anyMessage.disconnect(this.#hear);
    window.clearTimeout(this.#timer);
    this.#sent.clear();
    this.#lost = [];
  }

  #hear = (_: unknown, { msg, direction }: { msg: Message; direction: string }): void => {
    const { header, content } = msg;
    if (direction === "send") {
      if (header.msg_type !== "comm_msg") return;
      if (this.#isSending) this.#comm = content.comm_id;
      if (content.comm_id === this.#comm) this.#keep(msg);
    } else if (header.msg_type === MADE) {
      setTimeout(this.askAgain, MADE_MS);
    } else if (content.ename === UNKNOWN) {
      const lost = this.#sent.get(msg.parent_header.msg_id ?? "");
      if (lost) this.#mend(lost, content.evalue ?? "");
    }
  };

  #keep(message: Message): void {
    this.#sent.set(message.header.msg_id, message);
    const [oldest] = this.#sent.keys();
    if (this.#sent.size > KEPT) this.#sent.delete(oldest!);
  }

  #mend(message: Message, problem: string): void {
    this.#lost.push(message);
    const { subshell_id } = message.header;
    if (subshell_id && problem.includes(subshell_id)) forget(this.kernel, subshell_id);
    this.#timer ||= window.setTimeout(this.#sendAgain, AGAIN_MS);
  }

  #sendAgain = (): void => {
    this.#timer = 0;
    try {
      for (const message of this.#lost.splice(0)) {
        // The same id: the echo of a trait is known by it. The date differs, and so the signature.
        const header = { ...message.header, subshell_id: null, date: new Date().toISOString() };
        this.kernel.sendShellMessage({ ...message, header });
      }
    } catch {
      // The kernel ended.
    }
  };
}
