import type { AnyModel } from "@anywidget/types";
import { unpack } from "../protocol/arrays";
import { type AskOptions, type Part, type Source, SourceError } from "../protocol/source";

interface Reply {
  request: number;
  part?: Part;
  done?: boolean;
  error?: string;
  kind?: string;
}

interface Waiting {
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

type Comm = Pick<AnyModel, "send" | "on" | "off">;

/** The kernel answers, over the widget's comm. */
export class KernelSource implements Source {
  #waiting = new Map<number, Waiting>();
  #next: number;
  #acknowledging = 0;

  /** Replies reach every page of the kernel, so each page counts from a number of its own. */
  constructor(
    private readonly comm: Comm,
    first = Math.floor(Math.random() * 2 ** 50),
  ) {
    this.#next = first;
    comm.on("msg:custom", this.#receive);
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
      this.#waiting.set(request, { resolve: settle(resolve), reject: settle(reject), onPart });
      if (!this.#send({ request, key })) {
        this.#waiting.delete(request);
        settle(reject)(
          new SourceError(
            "Disconnected from the kernel. Run the cell again; sliders still work.",
            "gone",
          ),
        );
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
    for (const { reject } of this.#waiting.values())
      reject(new DOMException("Closed", "AbortError"));
    this.#waiting.clear();
  }

  /** False when there is no kernel to send to. */
  #send(content: Part): boolean {
    try {
      this.comm.send(content);
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
      waiting.reject(new SourceError(reply.error, reply.kind ?? "error"));
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
