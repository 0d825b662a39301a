import { useId, useRef } from "preact/hooks";

interface SegmentedProps<T extends string> {
  /** What is chosen, for those who can't see it. */
  label: string;
  options: readonly T[];
  names?: Partial<Record<T, string>>;
  value: T;
  /** `byHand` where the mouse picked it, so that what it shows may take the keys. */
  onPick: (value: T, byHand: boolean) => void;
}

/** One of a few: radio buttons, so that arrow keys move among them. */
export function Segmented<T extends string>(props: SegmentedProps<T>) {
  const name = useId();
  const byHand = useRef(false);
  return (
    <span class="segmented" role="radiogroup" aria-label={props.label} data-tool>
      {props.options.map((option) => (
        <label key={option} onClick={(event) => (byHand.current = event.detail > 0)}>
          <input
            type="radio"
            name={name}
            checked={option === props.value}
            onChange={() => props.onPick(option, byHand.current)}
          />
          <span>{props.names?.[option] ?? option}</span>
        </label>
      ))}
    </span>
  );
}
