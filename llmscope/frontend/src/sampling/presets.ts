import { NEUTRAL } from "../protocol/shared";
import type { Settings } from "./sampling";

type Values = Omit<Settings, "order">;

export interface Preset {
  name: string;
  title: string;
  values: Values;
}

/** Whether settings have these values. */
export const areSet = (settings: Settings, values: Partial<Settings>): boolean =>
  Object.entries(values).every(([name, value]) => settings[name as keyof Settings] === value);

/** Settings that a lesson comes back to. */
export const PRESETS: readonly Preset[] = [
  {
    name: "greedy",
    title: "The most likely token each time",
    values: { ...NEUTRAL, temperature: 0 },
  },
  { name: "0.7", title: "Temperature 0.7", values: { ...NEUTRAL, temperature: 0.7 } },
  { name: "1.5", title: "Temperature 1.5", values: { ...NEUTRAL, temperature: 1.5 } },
  { name: "nucleus", title: "Top-p 0.9", values: { ...NEUTRAL, topP: 0.9 } },
];
