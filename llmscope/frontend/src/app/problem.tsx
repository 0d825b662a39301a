import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { RUN, isKept, tell } from "../host/keeper";
import type { PanelProps } from "../panels/props";

/** What went wrong; as long as the kernel is lost, nothing but that. */
export function Problem({ store }: PanelProps) {
  const problem = store.problem.value;
  if (store.isGone.value) return <Disconnected />;
  if (!problem) return null;
  return (
    <p class="problem" role="alert">
      {problem.message}
    </p>
  );
}

function Disconnected() {
  const line = useRef<HTMLParagraphElement>(null);
  const canRun = useSignal(false);
  const host = () => (line.current!.getRootNode() as ShadowRoot).host;
  useEffect(() => {
    canRun.value = isKept(host());
  }, []);
  return (
    <p ref={line} class="problem lasting" role="alert">
      Disconnected from the kernel. Run the cell again; sliders still work.
      {canRun.value && (
        <button
          type="button"
          title="Runs the cells above, which the new kernel knows nothing of, and this one"
          onClick={() => tell(host(), RUN)}
        >
          Run up to here
        </button>
      )}
    </p>
  );
}
