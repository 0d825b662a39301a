import type { Paint } from "../../draw/heatmap";
import { INK } from "../../host/colors";
import type { Theme } from "../../host/theme";
import type { Matrix } from "../../store/attention/types";
import type { Store } from "../../store/store";

/** Whether weights have a sign: those of two heads, or of two traces, one less the other. */
export const isSigned = ({ name, trace }: Pick<Matrix, "name" | "trace">): boolean =>
  name.how === "difference" || typeof trace.name !== "string";

/** How the weights of a matrix are drawn. */
export function paintOf(store: Store, matrix: Pick<Matrix, "name" | "trace">, theme: Theme): Paint {
  const { colorScale, threshold } = store.state;
  const inks = INK[theme];
  const settings = { scale: colorScale.value, threshold: threshold.value };
  return isSigned(matrix)
    ? { ink: inks.more, negative: inks.less, ...settings }
    : { ink: inks.attention, ...settings };
}
