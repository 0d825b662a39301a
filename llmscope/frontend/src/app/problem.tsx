import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { RUN, isKept, tell } from "../host/keeper";
import type { PanelProps } from "../panels/props";
import { app as words } from "#words/app";
import { lab } from "#words/lab";

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
      {words.disconnected}
      {canRun.value && (
        <button type="button" title={words.runTitle} onClick={() => tell(host(), RUN)}>
          {lab.run}
        </button>
      )}
    </p>
  );
}
