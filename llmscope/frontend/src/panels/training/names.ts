import { significant } from "../../ui/format";

/** A loss, or what else was logged, of any size. */
export const valueText = (value: number): string =>
  Number.isNaN(value)
    ? "–"
    : !Number.isFinite(value)
      ? value < 0
        ? "−∞"
        : "∞"
      : value !== 0 && Math.abs(value) < 1e-3
        ? value.toExponential(2).replaceAll("-", "−")
        : significant(value).replace("-", "−");

/** A round number of an axis. */
export const tickText = (tick: number): string =>
  String(Number(tick.toPrecision(3))).replace("-", "−");
