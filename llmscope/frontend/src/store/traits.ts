import { type Signal, effect, signal } from "@preact/signals";

/** What is shared with Python: anywidget's model in a notebook, a plain object in a page. */
export interface Traits {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: () => void): void;
  off(event: string, callback: () => void): void;
}

/**
 * How long after a change Python hears of it: once for all that one gesture changes, and after what
 * the gesture asks the kernel for.
 */
const SAVE_MS = 8;

/** Traits of a page, which no Python knows of. */
export class PlainTraits implements Traits {
  #listeners = new Map<string, Set<() => void>>();

  constructor(private readonly values: Record<string, unknown>) {}

  get(name: string): unknown {
    return this.values[name];
  }

  set(name: string, value: unknown): void {
    if (this.values[name] === value) return;
    this.values[name] = value;
    this.#listeners.get(`change:${name}`)?.forEach((callback) => callback());
  }

  save_changes(): void {}

  on(event: string, callback: () => void): void {
    const known = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, known.add(callback));
  }

  off(event: string, callback: () => void): void {
    this.#listeners.get(event)?.delete(callback);
  }
}

export interface Bound<T> {
  signals: { [K in keyof T]: Signal<T[K]> };
  /**
   * Sets traits that their signals are still on the way to: Python hears of the end alone, and is
   * there at once. Without any, the signals have arrived.
   */
  setAhead: (values: Readonly<Record<string, unknown>>) => void;
  /** Whether Python has heard of every change. */
  isSaved: () => boolean;
  /** Ends what binds the two. */
  dispose: () => void;
}

/**
 * Makes signals of traits: setting one sets the trait, and the other way round.
 * `onChange` hears of every change, and of its being saved.
 */
export function bindTraits<T extends object>(
  traits: Traits,
  names: { [K in keyof T]: string },
  onChange: () => void = () => {},
): Bound<T> {
  const signals = {} as { [K in keyof T]: Signal<T[K]> };
  // Set only as they are saved: an echo of an earlier value would take back what is set and not saved.
  const unsaved = new Map<string, unknown>();
  const ahead = new Map<string, unknown>();
  let saving = 0;
  const save = () => {
    saving = 0;
    unsaved.forEach((value, name) => traits.set(name, value));
    unsaved.clear();
    try {
      traits.save_changes();
    } catch {
      // No kernel to tell: the page goes on by itself.
    }
    onChange();
  };
  const set = (name: string, value: unknown) => {
    unsaved.delete(name);
    if (traits.get(name) === value) return;
    unsaved.set(name, value);
    saving ||= window.setTimeout(save, SAVE_MS);
  };
  const ends: (() => void)[] = [];
  for (const key of Object.keys(names) as (keyof T)[]) {
    const name = names[key];
    const bound = signal(traits.get(name) as T[typeof key]);
    const follow = () => {
      const value = traits.get(name);
      if (!ahead.has(name) || ahead.get(name) !== value) bound.value = value as T[typeof key];
    };
    traits.on(`change:${name}`, follow);
    ends.push(
      () => traits.off(`change:${name}`, follow),
      effect(() => {
        const value = bound.value;
        onChange();
        if (!ahead.has(name)) set(name, value);
      }),
    );
    signals[key] = bound;
  }
  const setAhead = (values: Readonly<Record<string, unknown>>) => {
    ahead.clear();
    for (const [name, value] of Object.entries(values)) {
      ahead.set(name, value);
      set(name, value);
    }
    onChange();
  };
  const dispose = () => {
    ends.forEach((end) => end());
    if (saving) save();
  };
  return { signals, setAhead, isSaved: () => saving === 0 && ahead.size === 0, dispose };
}
