/**
 * All keys of the keyboard: handlers and the overlay that lists them read this table. What each act is
 * called is in `words/en/keys.ts`, by the same names.
 */

/** What a key does. */
export interface Entry {
  /**
   * By the name of `KeyboardEvent.key`, letters small, after "Mod+" (Ctrl, or ⌘ on a Mac), "Alt+" and
   * "Shift+" in this order; Shift is left out before a character, which says by itself whether it was held.
   */
  keys: readonly string[];
  /** Also while a text is typed. */
  typing?: true;
  /** Where the panel has the focus, it does this instead of what it does on the whole page. */
  instead?: true;
  /** Only where no panel has the focus. */
  outside?: true;
}

interface Section {
  /** The panel that has them; without one, all views do. */
  panel?: string;
  acts: Record<string, Entry>;
}

const ARROWS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"] as const;
const WITH_SHIFT = ARROWS.map((key) => `Shift+${key}`);
const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9"] as const;

/**
 * By scope: the page, the stage or the lesson on it, and what has the focus within. Page keys are those
 * of lessons alone: elsewhere they belong to the page around.
 */
export const KEYS = {
  page: {
    acts: {
      help: { keys: ["?"] },
      release: { keys: ["Escape"], typing: true },
      undo: { keys: ["Mod+z"] },
      side: { keys: ["d"] },
      preset: {
        keys: ["Alt+1", "Alt+2", "Alt+3", "Alt+4"],
        typing: true,
      },
      reset: { keys: ["Alt+0"], typing: true },
    },
  },
  stage: {
    acts: {
      go: { keys: DIGITS },
      tools: { keys: ["c"] },
      full: { keys: ["f"] },
      begin: { keys: ARROWS, outside: true },
    },
  },
  lesson: {
    acts: {
      next: { keys: ["PageDown"], typing: true },
      previous: { keys: ["PageUp"], typing: true },
      right: { keys: ["ArrowRight"] },
      space: { keys: ["Space"] },
      left: { keys: ["ArrowLeft"] },
      first: { keys: ["Home"] },
      last: { keys: ["End"] },
      digit: { keys: ["0", ...DIGITS] },
      jump: { keys: ["Enter"] },
      dark: { keys: ["b", "."] },
      light: { keys: ["s"] },
      back: { keys: ["r"] },
      guess: { keys: ["g"] },
      tools: { keys: ["c"] },
      full: { keys: ["f"] },
      release: { keys: ["Escape"], instead: true },
    },
  },
  text: {
    panel: "tokens",
    acts: {
      accept: { keys: ["ArrowRight"], typing: true },
      walk: {
        keys: ["Alt+ArrowLeft", "Alt+ArrowRight"],
        typing: true,
      },
      mask: {
        keys: ["Alt+m"],
        typing: true,
      },
      second: { keys: ["Alt+p"], typing: true },
      steer: { keys: ["Alt+s"], typing: true },
      undo: {
        keys: ["Mod+z"],
        typing: true,
        instead: true,
      },
    },
  },
  texts: {
    panel: "texts",
    acts: {
      walk: { keys: ["ArrowLeft", "ArrowRight"] },
      line: { keys: ["ArrowUp", "ArrowDown"] },
      hold: { keys: ["l"] },
      drop: { keys: ["Escape"], instead: true },
    },
  },
  line: {
    panel: "texts",
    acts: { undo: { keys: ["Mod+z"], typing: true, instead: true } },
  },
  second: {
    panel: "tokens",
    acts: {
      take: { keys: ["Enter"], typing: true },
      leave: { keys: ["Escape"], typing: true, instead: true },
    },
  },
  guess: { panel: "next-token", acts: { add: { keys: ["Enter"], typing: true } } },
  steer: {
    panel: "tokens",
    acts: {
      add: { keys: ["Enter"], typing: true },
      leave: { keys: ["Escape"], typing: true, instead: true },
    },
  },
  amount: {
    panel: "tokens",
    acts: { move: { keys: ARROWS }, fine: { keys: WITH_SHIFT } },
  },
  chain: {
    panel: "chain",
    acts: { move: { keys: ["ArrowLeft", "ArrowRight"] } },
  },
  heads: {
    panel: "overview",
    acts: {
      move: { keys: ARROWS },
      pin: { keys: ["Space"] },
      off: { keys: ["x"] },
      mlp: { keys: ["m"] },
    },
  },
  chip: {
    panel: "attention",
    acts: {
      alone: { keys: ["i"] },
      remove: { keys: ["Delete", "Backspace"] },
    },
  },
  matrix: {
    panel: "attention",
    acts: {
      move: { keys: ARROWS },
      pan: { keys: WITH_SHIFT },
      pin: { keys: ["Enter", "Space"] },
      closer: { keys: ["+", "="] },
      farther: { keys: ["-"] },
      all: { keys: ["0"] },
    },
  },
  arcs: {
    panel: "attention",
    acts: {
      move: { keys: ARROWS },
      leap: { keys: ["Shift+ArrowUp", "Shift+ArrowDown"] },
      first: { keys: ["Home"] },
      last: { keys: ["End"] },
    },
  },
  steps: {
    panel: "attention",
    acts: {
      move: { keys: ARROWS },
      first: { keys: ["Home"] },
      last: { keys: ["End"] },
      play: { keys: ["Space"] },
    },
  },
  lens: {
    panel: "lens",
    acts: { move: { keys: ARROWS } },
  },
  model: {
    panel: "model",
    acts: {
      move: { keys: ARROWS },
      head: { keys: ["Shift+ArrowLeft", "Shift+ArrowRight"] },
      close: { keys: ["Escape"], instead: true },
    },
  },
  patching: {
    panel: "patching",
    acts: { move: { keys: ARROWS }, take: { keys: ["Enter", "Space"] } },
  },
  survey: {
    panel: "survey",
    acts: {
      move: { keys: ARROWS },
      frame: { keys: WITH_SHIFT },
      pin: { keys: ["Enter", "Space"] },
    },
  },
  training: {
    panel: "training",
    acts: { hold: { keys: ["h"] } },
  },
  trainingSteps: {
    panel: "training",
    acts: {
      move: { keys: ARROWS },
      leap: { keys: WITH_SHIFT },
      first: { keys: ["Home"] },
      last: { keys: ["End"] },
      play: { keys: ["Space"] },
    },
  },
  tokenizers: {
    panel: "tokenizers",
    acts: { move: { keys: ARROWS } },
  },
  evaluation: {
    panel: "evaluation",
    acts: { move: { keys: ARROWS } },
  },
  evaluated: {
    panel: "evaluation",
    acts: { move: { keys: ["ArrowUp", "ArrowDown"] } },
  },
  stream: {
    panel: "stream",
    acts: {
      move: { keys: ARROWS },
      first: { keys: ["Home"] },
      last: { keys: ["End"] },
      take: { keys: ["Enter", "Space"] },
    },
  },
  became: {
    panel: "became",
    acts: { move: { keys: ARROWS }, pin: { keys: ["Space"] } },
  },
  headSteps: {
    panel: "head-steps",
    acts: { move: { keys: ARROWS }, first: { keys: ["Home"] }, last: { keys: ["End"] } },
  },
  lensSteps: {
    panel: "lens-steps",
    acts: {
      move: { keys: ARROWS },
      first: { keys: ["Home"] },
      last: { keys: ["End"] },
      take: { keys: ["Enter", "Space"] },
    },
  },
  slider: {
    panel: "next-token",
    acts: {
      move: { keys: ARROWS },
      fine: { keys: WITH_SHIFT },
    },
  },
  rows: {
    panel: "next-token",
    acts: { move: { keys: ARROWS } },
  },
  search: {
    panel: "next-token",
    acts: {
      pin: { keys: ["Enter"], typing: true },
      empty: { keys: ["Escape"], typing: true, instead: true },
    },
  },
  written: {
    panel: "generation",
    acts: {
      play: { keys: ["Space"] },
      step: { keys: ["Enter"] },
      before: { keys: ["ArrowLeft"] },
      after: { keys: ["ArrowRight"] },
      undo: { keys: ["Backspace", "Mod+z"], instead: true },
      release: { keys: ["Escape"], instead: true },
    },
  },
} as const satisfies Record<string, Section>;

export type Scope = keyof typeof KEYS;

/** A key that was pressed. */
export interface Press {
  /** Of an arrow key: one step down (-1 is up) or right (-1 is left). */
  down: -1 | 0 | 1;
  right: -1 | 0 | 1;
  /** Of a digit: 0 to 9. */
  digit: number;
  event: KeyboardEvent;
}

/** What one of the acts of a scope does; `false` says that it did nothing. */
type Acts<S extends Scope> = Record<
  keyof (typeof KEYS)[S]["acts"],
  (press: Press) => boolean | void
>;

const STEPS: Record<string, [down: -1 | 0 | 1, right: -1 | 0 | 1]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** With Alt, a Mac writes other characters than the key has; where Chinese is typed, some are as wide as its letters. */
const nameOf = ({ key, code, altKey }: KeyboardEvent): string =>
  key === " " ? "Space" : (altKey && /^(?:Digit|Key)(.)$/.exec(code)?.[1]) || key.normalize("NFKC");

/** A key with what is held beside it, as the table calls it. */
export function chordOf(event: KeyboardEvent, withShift = event.shiftKey): string {
  const name = nameOf(event);
  const mod = event.ctrlKey || event.metaKey;
  const isCharacter = name.length === 1;
  const held = [
    mod && "Mod+",
    event.altKey && "Alt+",
    withShift && (mod || !isCharacter) && "Shift+",
  ];
  return held.filter(Boolean).join("") + (isCharacter ? name.toLowerCase() : name);
}

/** Which act of a scope a key means. */
function actOf(scope: Scope, event: KeyboardEvent): [name: string, entry: Entry] | undefined {
  const acts = Object.entries<Entry>(KEYS[scope].acts);
  const find = (chord: string) => acts.find(([, { keys }]) => keys.includes(chord));
  // What nobody has with Shift is the same without.
  const again = event.shiftKey && !event.ctrlKey && !event.metaKey;
  return find(chordOf(event)) ?? (again ? find(chordOf(event, false)) : undefined);
}

/** A handler of key presses: a key that does something within does nothing else outside. */
export const onKeys =
  <S extends Scope>(scope: S, acts: Acts<S>) =>
  (event: KeyboardEvent): void => {
    // What is composed isn't there yet: Enter takes what is being typed, and no more.
    const found = event.defaultPrevented || event.isComposing ? undefined : actOf(scope, event);
    if (!found || (isTyping(event) && !found[1].typing)) return;
    const [down, right] = STEPS[event.key] ?? [0, 0];
    const press: Press = { down, right, digit: Number(nameOf(event)), event };
    if (acts[found[0] as keyof typeof acts](press) !== false) event.preventDefault();
  };

/** Whether a key that is pressed writes something, or picks it. */
function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0] as HTMLElement;
  if (target instanceof HTMLInputElement) return !/^(range|radio|checkbox)$/.test(target.type);
  return /^(TEXTAREA|SELECT)$/.test(target.tagName);
}
