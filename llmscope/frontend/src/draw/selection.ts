/**
 * In the place of d3-selection, whose joins and transitions nothing here has: the few methods, on
 * one element, that d3-zoom and d3-drag call. They mean what they mean there.
 */

type Listener = (this: EventTarget, event: Event) => void;

interface Entry {
  type: string;
  /** What tells listeners of one type apart, so that a new one takes the place of the old. */
  name: string;
  listener: Listener;
  options: AddEventListenerOptions | boolean | undefined;
}

const entries = new WeakMap<EventTarget, Entry[]>();

class Selection {
  constructor(private readonly target: (EventTarget & Record<string, unknown>) | null) {}

  node() {
    return this.target;
  }

  each(act: (this: EventTarget) => void): this {
    if (this.target) act.call(this.target);
    return this;
  }

  call(act: (selection: this, ...rest: unknown[]) => void, ...rest: unknown[]): this {
    act(this, ...rest);
    return this;
  }

  filter(test: (this: EventTarget) => boolean): Selection {
    return this.target && test.call(this.target) ? this : new Selection(null);
  }

  property(name: string, value: (this: EventTarget) => unknown): this {
    if (this.target) this.target[name] = value.call(this.target);
    return this;
  }

  style(name: string, value: string): this {
    (this.target as HTMLElement | null)?.style.setProperty(name, value);
    return this;
  }

  datum(): undefined {}

  interrupt(): this {
    return this;
  }

  /** Adds a listener; takes it away with `null`; gives it when there is nothing else to do. */
  on(names: string, listener?: Listener | null, options?: Entry["options"]) {
    const { target } = this;
    if (!target) return this;
    for (const full of names.split(" ")) {
      const [type = "", name = ""] = full.split(".");
      const isIt = (entry: Entry) => (!type || entry.type === type) && entry.name === name;
      const held = entries.get(target) ?? [];
      if (listener === undefined) return held.find(isIt)?.listener;
      for (const entry of held.filter(isIt))
        target.removeEventListener(entry.type, entry.listener, entry.options);
      const left = held.filter((entry) => !isIt(entry));
      if (listener) {
        target.addEventListener(type, listener, options);
        left.push({ type, name, listener, options });
      }
      entries.set(target, left);
    }
    return this;
  }
}

export const select = (target: EventTarget) =>
  new Selection(target as EventTarget & Record<string, unknown>);

/** Where an event or a touch is, from the inner corner of an element. */
export function pointer(
  at: { clientX: number; clientY: number; currentTarget?: EventTarget | null },
  element = at.currentTarget,
): [number, number] {
  const { clientLeft, clientTop } = element as Element;
  const { left, top } = (element as Element).getBoundingClientRect();
  return [at.clientX - left - clientLeft, at.clientY - top - clientTop];
}
