import type { PanelProps } from "../panels/props";

export function Problem({ store }: PanelProps) {
  const problem = store.problem.value;
  if (!problem) return null;
  return (
    <p class="problem" role="alert">
      {problem.message}
    </p>
  );
}
