import { NEUTRAL } from "../protocol/shared";
import type { Settings } from "./sampling";

type Values = Omit<Settings, "order">;

export interface Preset {
  name: "greedy" | "0.7" | "1.5" | "nucleus";
  values: Values;
}

/** Whether settings have these values. */
export const areSet = (settings: Settings, values: Partial<Settings>): boolean =>
  Object.entries(values).every(([name, value]) => settings[name as keyof Settings] === value);

/** Settings that a lesson comes back to. */
export const PRESETS: readonly Preset[] = [
  { name: "greedy", values: { ...NEUTRAL, temperature: 0 } },
  { name: "0.7", values: { ...NEUTRAL, temperature: 0.7 } },
  { name: "1.5", values: { ...NEUTRAL, temperature: 1.5 } },
  { name: "nucleus", values: { ...NEUTRAL, topP: 0.9 } },
];
