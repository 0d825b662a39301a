/** A model that learns, or has learned: which step of that is shown. */

import { type ReadonlySignal, batch, computed, effect, signal } from "@preact/signals";
import type { Facts } from "../protocol/answers";
import { type Request, type StepInput, formatKey } from "../protocol/keys";
import type { TraceSide } from "../protocol/shared";
import type { Probe, TrainingAnswer, TrainingRun } from "../protocol/training";
import type { Core } from "./core";
import type { LastingAnswers } from "./lasting";
import { stable } from "./stable";
import { type StepsAxis, naturalAxis } from "./steps-axis";

/** Steps a second that are played. */
export const SPEEDS = [2, 5, 10, 25] as const;

const KNOWN: Request = { type: "training" };
const GROWING: Request = { type: "training_run" };

export class TrainingStore {
  /** All that is known of the runs; `null` before that. */
  readonly answer: ReadonlySignal<TrainingAnswer | null>;
  /** The number of the run on screen, and what is known of it. */
  readonly run: ReadonlySignal<number>;
  readonly current: ReadonlySignal<TrainingRun | null>;
  readonly model: ReadonlySignal<Facts | null>;
  readonly probe: ReadonlySignal<number>;
  readonly probes: ReadonlySignal<readonly Probe[]>;
  /** The steps of the run that are kept, in order. */
  readonly steps: ReadonlySignal<readonly number[]>;
  /** The kept step on screen, by its number; -1 while none is kept. */
  readonly step: ReadonlySignal<number>;
  /** Whether that is the newest, always. */
  readonly isNewest: ReadonlySignal<boolean>;
  /** The kept position nearest the token in focus. */
  readonly position: ReadonlySignal<number>;
  /** A step that is held beside the one on screen; `null` where none is. */
  readonly held: ReadonlySignal<StepInput | null>;
  /** Of the two, what is shown: the step on screen is "edited", the one that is held "untouched". */
  readonly side: ReadonlySignal<TraceSide>;
  /** The keys of the step that is chosen, and of what is read; `null` while none is kept. */
  readonly chosen: ReadonlySignal<string | null>;
  readonly key: ReadonlySignal<string | null>;
  /** Why the step can't be shown, in words. */
  readonly lacking: ReadonlySignal<string | null>;
  /** How the axis of steps is drawn, wherever there is one. */
  readonly axis: ReadonlySignal<StepsAxis>;
  readonly isPlaying = signal(false);
  /** Steps a second. */
  readonly speed = signal<number>(SPEEDS[1]);
  readonly #axis = signal<StepsAxis | null>(null);

  constructor(
    private readonly core: Core,
    private readonly lasting: LastingAnswers,
  ) {
    const { state } = core;
    const growing = lasting.running<TrainingAnswer>(GROWING);
    this.answer = computed(
      () =>
        growing.latest.value ??
        (core.lacks(GROWING) === null ? null : lasting.watch<TrainingAnswer>(KNOWN).value),
    );
    const numberOf = (wanted: number | undefined, count: number) =>
      Math.max(0, Math.min(wanted ?? 0, count - 1));
    this.run = computed(() => numberOf(state.run.value, this.answer.value?.runs.length ?? 1));
    this.current = computed(() => this.answer.value?.runs[this.run.value] ?? null);
    // Each answer tells of it anew: what is read on its account isn't read again.
    this.model = stable(
      () => this.current.value?.model.model ?? null,
      (one, other) => JSON.stringify(one) === JSON.stringify(other),
    );
    this.probes = computed(() => this.current.value?.probes ?? []);
    this.probe = computed(() => numberOf(state.probe.value, this.probes.value.length));
    this.steps = computed(() => this.stepsOf(this.run.value));
    this.axis = computed(() => this.#axis.value ?? naturalAxis(this.steps.value));
    this.isNewest = computed(() => (state.step.value ?? -1) < 0);
    this.step = computed(() =>
      this.isNewest.value
        ? (this.steps.value.at(-1) ?? -1)
        : nearestOf(this.steps.value, state.step.value),
    );
    this.position = computed(() => {
      const { positions = [] } = this.probes.value[this.probe.value] ?? {};
      return nearestOf(positions, core.focus.value);
    });
    this.held = computed(() => {
      const run = numberOf(state.heldRun.value, this.answer.value?.runs.length ?? 1);
      const wanted = state.held.value ?? -1;
      const step = wanted < 0 ? -1 : nearestOf(this.stepsOf(run), wanted);
      return step < 0 ? null : { run, step, probe: this.probe.value };
    });
    this.side = computed(() =>
      this.held.value ? ((state.side.value ?? "edited") as TraceSide) : "edited",
    );
    this.chosen = computed(() =>
      this.step.value < 0
        ? null
        : stepKey({ run: this.run.value, step: this.step.value, probe: this.probe.value }),
    );
    this.key = computed(() =>
      this.side.value === "untouched" ? stepKey(this.held.value!) : this.chosen.value,
    );
    this.lacking = computed(() =>
      this.step.value < 0 ? null : core.lacks(this.inputAt(this.step.value)),
    );
  }

  start(): () => void {
    const { core } = this;
    const growing = this.lasting.running<TrainingAnswer>(GROWING);
    const ends = [
      effect(() => {
        if (!core.isSeen.value || core.isGone.value || core.lacks(GROWING) !== null) return;
        growing.start();
        return () => growing.stop();
      }),
      // Linked views follow the step.
      effect(() => {
        const key = this.chosen.value;
        if (core.isSeen.value && key !== null) core.state.path.value = key;
      }),
      effect(() => this.#followPlaying()),
    ];
    return () => ends.forEach((end) => end());
  }

  /** The steps of a run that are kept. */
  stepsOf(run: number): readonly number[] {
    const { data } = this.answer.value?.runs[run]?.steps ?? {};
    return data ? Array.from(data) : [];
  }

  /** The probe on screen as it is read at a step of the run. */
  inputAt(step: number): Request {
    return { type: "step_input", run: this.run.value, step, probe: this.probe.value };
  }

  // ── gestures ──────────────────────────────────────────────────────────────────────────────

  /** Shows a kept step: the nearest. */
  turn(step: number): void {
    const nearest = nearestOf(this.steps.peek(), step);
    if (nearest >= 0) this.core.state.step.value = nearest;
  }

  /** Shows another run, at the kept step nearest to the one on screen. */
  turnTo(run: number): void {
    const { state } = this.core;
    batch(() => {
      const step = this.step.peek();
      state.run.value = run;
      if (!this.isNewest.peek()) this.turn(step);
    });
  }

  /** Shows the kept step so many after the one on screen, or before. */
  move(by: number): void {
    const steps = this.steps.peek();
    const at = steps.indexOf(this.step.peek()) + by;
    this.turn(steps[Math.max(0, Math.min(at, steps.length - 1))] ?? -1);
  }

  /** Shows the newest step, and each that comes. */
  follow(): void {
    this.core.state.step.value = -1;
  }

  /** Draws steps by their difference, or by their ratio. */
  spread(axis: StepsAxis): void {
    this.#axis.value = axis;
  }

  /** Plays the steps one after the other, from the first where it is at the last; or pauses. */
  play(): void {
    const isOn = !this.isPlaying.peek() && this.steps.peek().length > 1;
    batch(() => {
      if (isOn && this.step.peek() === this.steps.peek().at(-1)) this.turn(this.steps.peek()[0]!);
      this.isPlaying.value = isOn;
    });
  }

  /** Holds the step on screen, to be seen beside others; or none any more. */
  hold(isOn = this.held.peek() === null): void {
    const { state } = this.core;
    batch(() => {
      state.heldRun.value = isOn ? this.run.peek() : 0;
      state.held.value = isOn ? this.step.peek() : -1;
      if (!isOn) state.side.value = "edited";
    });
  }

  // ── asking ────────────────────────────────────────────────────────────────────────────────

  #followPlaying(): (() => void) | void {
    const { core } = this;
    if (!this.isPlaying.value || !core.isSeen.value) return;
    const isThere = this.key.value === null || core.trace.value?.input === this.key.value;
    // A step that is on its way is waited for, and one that isn't there is passed over.
    if (!isThere && this.lacking.value === null) return;
    const timer = setTimeout(() => {
      if (this.step.peek() === this.steps.peek().at(-1)) this.isPlaying.value = false;
      else this.move(1);
    }, 1000 / this.speed.value);
    return () => clearTimeout(timer);
  }
}

/** The number of an ascending list that is nearest to one; -1 where the list is empty. */
export function nearestOf(numbers: readonly number[], wanted: number): number {
  let best = -1;
  for (const one of numbers)
    if (best < 0 || Math.abs(one - wanted) < Math.abs(best - wanted)) best = one;
  return best;
}

const stepKey = (input: StepInput): string => formatKey({ type: "step_input", ...input });
