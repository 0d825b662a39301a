import { useId } from "preact/hooks";

interface SegmentedProps<T extends string> {
  /** What is chosen, for those who can't see it. */
  label: string;
  options: readonly T[];
  names?: Partial<Record<T, string>>;
  value: T;
  onPick: (value: T) => void;
}

/** One of a few: radio buttons, so that arrow keys move among them. */
export function Segmented<T extends string>(props: SegmentedProps<T>) {
  const name = useId();
  return (
    <span class="segmented" role="radiogroup" aria-label={props.label} data-tool>
      {props.options.map((option) => (
        <label key={option}>
          <input
            type="radio"
            name={name}
            checked={option === props.value}
            onChange={() => props.onPick(option)}
          />
          <span>{props.names?.[option] ?? option}</span>
        </label>
      ))}
    </span>
  );
}
