import type { AnyModel } from "@anywidget/types";
import { signal } from "@preact/signals";
import { unpack } from "../protocol/arrays";
import { type AskOptions, type Part, type Source, SourceError } from "../protocol/source";
import { type Kernel as Messages, LostMessages, type Told } from "./lost";
import { problems as words } from "#words/problems";

interface Reply {
  request: number;
  part?: Part;
  done?: boolean;
  error?: string;
  kind?: string;
  again?: number;
}

interface Waiting {
  key: string;
  resolve: (part: Part) => void;
  reject: (error: unknown) => void;
  onPart: ((part: Part) => void) | undefined;
}

/**
 * How long after a question an empty message follows it. Jupyter's server holds a small message back
 * until the page has acknowledged the one before, "busy", which it does at once with a message of its
 * own and else after 40 ms (Nagle's algorithm and a delayed acknowledgement).
 */
const ACKNOWLEDGE_MS = 8;

/** How a kernel is called by JupyterLab that has lost all it held, or is about to. */
const ENDING = new Set(["restarting", "autorestarting", "terminating", "dead", "unknown"]);

/** What JupyterLab tells of a kernel. */
interface Kernel extends Partial<Messages> {
  statusChanged: Told<string>;
  disposed: Told<void>;
}

type Manager = { kernel?: Kernel | null } | undefined;

type Comm = Pick<AnyModel, "send" | "on" | "off"> & {
  /** In JupyterLab it knows the kernel; in other hosts one learns of its end by asking. */
  widget_manager?: unknown;
};

/** The kernel answers, over the widget's comm. */
export class KernelSource implements Source {
  readonly isGone = signal(false);
  #waiting = new Map<number, Waiting>();
  #next: number;
  readonly #kernel: Kernel | null;
  readonly #lost: LostMessages | null;
  #acknowledging = 0;

  /** Replies reach every page of the kernel, so each page counts from a number of its own. */
  constructor(
    private readonly comm: Comm,
    first = Math.floor(Math.random() * 2 ** 50),
  ) {
    this.#next = first;
    comm.on("msg:custom", this.#receive);
    comm.on("comm_live_update", this.#look);
    this.#kernel = (comm.widget_manager as Manager)?.kernel ?? null;
    this.#kernel?.statusChanged.connect(this.#hear);
    this.#kernel?.disposed.connect(this.#look);
    this.#lost = this.#kernel?.anyMessage
      ? new LostMessages(this.#kernel as Messages, () => this.#askAgain())
      : null;
  }

  ask<T = Part>(key: string, { signal, onPart }: AskOptions = {}): Promise<T> {
    const request = this.#next++;
    return new Promise<Part>((resolve, reject) => {
      const cancel = () => {
        if (!this.#waiting.delete(request)) return;
        this.#send({ cancel: request });
        reject(signal?.reason ?? new DOMException("Aborted", "AbortError"));
      };
      if (signal?.aborted) return reject(signal.reason);
      const settle =
        <A>(then: (value: A) => void) =>
        (value: A) => {
          signal?.removeEventListener("abort", cancel);
          then(value);
        };
      signal?.addEventListener("abort", cancel, { once: true });
      this.#waiting.set(request, {
        key,
        resolve: settle(resolve),
        reject: settle(reject),
        onPart,
      });
      if (!this.#send({ request, key })) {
        this.#leave();
      } else {
        window.clearTimeout(this.#acknowledging);
        this.#acknowledging = window.setTimeout(() => this.#send({}), ACKNOWLEDGE_MS);
      }
    }) as Promise<T>;
  }

  /** A kernel can make everything. */
  lacks(): null {
    return null;
  }

  close(): void {
    window.clearTimeout(this.#acknowledging);
    this.comm.off("msg:custom", this.#receive);
    this.comm.off("comm_live_update", this.#look);
    this.#kernel?.statusChanged.disconnect(this.#hear);
    this.#kernel?.disposed.disconnect(this.#look);
    this.#lost?.close();
    this.#refuse(new DOMException("Closed", "AbortError"));
  }

  #refuse(error: Error): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  /** What the kernel held of this widget is lost, also when it has started again. */
  #leave(): void {
    this.isGone.value = true;
    this.#refuse(new SourceError(words.gone, "gone"));
  }

  /**
   * What was asked before the comm had its subshell may wait behind a running cell; the kernel knows
   * by the number what it has taken.
   */
  #askAgain(): void {
    for (const [request, { key }] of this.#waiting) this.#send({ request, key, again: true });
  }

  #hear = (_: unknown, status: string): void => {
    if (ENDING.has(status)) this.#look();
  };

  /** Finds out whether the kernel is still there, once whoever tells of it has done its own work. */
  #look = (): void => {
    setTimeout(() => !this.isGone.peek() && !this.#send({}) && this.#leave());
  };

  /** False when there is no kernel to send to. */
  #send(content: Part): boolean {
    const send = () => this.comm.send(content);
    try {
      if (this.#lost) this.#lost.watch(send);
      else send();
      return true;
    } catch {
      return false;
    }
  }

  #receive = (reply: Reply, buffers: DataView[]): void => {
    const waiting = this.#waiting.get(reply.request);
    if (!waiting) return; // An answer that came after it was cancelled.
    if (reply.error !== undefined) {
      this.#waiting.delete(reply.request);
      waiting.reject(new SourceError(reply.error, reply.kind ?? "error", reply.again));
      return;
    }
    const part = unpack(reply.part ?? {}, buffers ?? []);
    if (reply.done) {
      this.#waiting.delete(reply.request);
      waiting.resolve(part);
    } else {
      waiting.onPart?.(part);
    }
  };
}
