import type { PanelProps } from "../panels/props";

/** What went wrong; as long as the kernel is lost, nothing but that. */
export function Problem({ store }: PanelProps) {
  const problem = store.problem.value;
  const message = store.isGone.value
    ? "Disconnected from the kernel. Run the cell again; sliders still work."
    : problem?.message;
  if (!message) return null;
  return (
    <p class="problem" role="alert">
      {message}
    </p>
  );
}
