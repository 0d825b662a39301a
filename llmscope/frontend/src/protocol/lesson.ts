/** A lesson, as the trait `_lesson` has it; made by `llmscope/lessons/slides.py`. */

/** A text, or an element: its tag and what is in it; of a link its address first. */
export type Node = string | Element;
export interface Element extends ReadonlyArray<Node> {
  readonly 0: string;
}

export interface Point {
  kind: "token" | "head" | "box" | "next" | "slider" | "cell";
  at: readonly (string | number)[];
  note: string;
}

export interface Slide {
  title: readonly Node[];
  caption: readonly Node[];
  /** Values of traits, those of slides before included. */
  set: Readonly<Record<string, unknown>>;
  /** The panel that is the subject; empty for the first. */
  show: string;
  zoom: boolean;
  hide: readonly string[];
  points: readonly Point[];
  /** What is guessed: the next token, or a trait; empty for nothing. */
  guess: string;
  ask: readonly Node[];
  answer: readonly Node[];
  key: string;
  story: string;
}

export interface Lesson {
  title: string;
  /** Values of traits before any slide. */
  base: Readonly<Record<string, unknown>>;
  slides: readonly Slide[];
}
