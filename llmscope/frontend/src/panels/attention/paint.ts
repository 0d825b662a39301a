import type { Paint } from "../../draw/heatmap";
import { INK } from "../../host/colors";
import type { Theme } from "../../host/theme";
import type { Matrix } from "../../store/attention/types";
import type { Store } from "../../store/store";

/** How the weights of a matrix are drawn: a difference in the colours of its two heads. */
export function paintOf(store: Store, { name }: Pick<Matrix, "name">, theme: Theme): Paint {
  const { colorScale, threshold } = store.state;
  const inks = INK[theme];
  const settings = { scale: colorScale.value, threshold: threshold.value };
  return name.how === "difference"
    ? { ink: inks.heads[0]!, negative: inks.heads[1]!, ...settings }
    : { ink: inks.attention, ...settings };
}
