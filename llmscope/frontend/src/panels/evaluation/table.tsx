import { useRef } from "preact/hooks";
import { onKeys } from "../../ui/keys";
import { rove } from "../../ui/rove";
import { evaluation as words } from "#words/evaluation";
import { fill } from "../../words/fill";
import type { EvaluationAnswer, Measure, Model, Ordering, Value } from "./answer";
import { aboutOf, nameOf, shown } from "./names";

interface TableProps {
  answer: EvaluationAnswer;
  /** In their order. */
  models: readonly number[];
  columns: readonly number[];
  chosen: number;
  ordering: Ordering;
  /** By a measure; without one, as the models were given. */
  onSort: (measure: number | null) => void;
  onPoint: (measure: number | null) => void;
  /** Shows the texts behind a number. */
  onBehind: (measure: number) => void;
}

/** A row for each model, a column for each measure. */
export function Table(props: TableProps) {
  const { answer, models, columns, chosen, ordering } = props;
  const box = useRef<HTMLDivElement>(null);
  const keys = onKeys("evaluation", {
    move: ({ down, right, event }) => rove(box.current!, event, down, right),
  });
  return (
    <div
      ref={box}
      class="table"
      role="region"
      aria-label={words.table}
      onKeyDown={keys}
      onPointerLeave={() => props.onPoint(null)}
    >
      <table class="figures">
        <thead>
          <tr>
            <th scope="col">
              <button
                type="button"
                class="quiet"
                data-cell="0.0"
                tabIndex={-1}
                title={words.givenOrder}
                onClick={() => props.onSort(null)}
              >
                {words.model}
              </button>
            </th>
            {columns.map((at, column) => {
              const { name } = answer.measures[at]!;
              const isChosen = at === chosen;
              return (
                <th
                  key={name}
                  scope="col"
                  class={isChosen ? "chosen" : ""}
                  aria-sort={isChosen && ordering !== "given" ? ordering : undefined}
                  onPointerEnter={() => props.onPoint(at)}
                >
                  <button
                    type="button"
                    class="quiet"
                    data-cell={`0.${column + 1}`}
                    tabIndex={isChosen ? 0 : -1}
                    title={fill(words.sortBy, { about: aboutOf(name) })}
                    onClick={() => props.onSort(at)}
                    onFocus={() => props.onPoint(at)}
                    onBlur={() => props.onPoint(null)}
                  >
                    {nameOf(name)}
                    <i aria-hidden="true">
                      {isChosen && ordering !== "given"
                        ? ordering === "ascending"
                          ? "↑"
                          : "↓"
                        : " "}
                    </i>
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {models.map((model, row) => (
            <Row key={model} {...props} model={answer.models[model]!} row={row + 1} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({
  answer,
  columns,
  chosen,
  model,
  row,
  onBehind,
  onPoint,
}: TableProps & { model: Model; row: number }) {
  const { name, state, error, values } = model;
  const hasNone = values.every(([value]) => value === null);
  return (
    <tr class={state}>
      <th scope="row" title={name}>
        <span class="ellipsis">{name}</span>
        <small class="state">{words.states[state]}</small>
      </th>
      {state === "failed" && hasNone ? (
        <td colSpan={columns.length} class="refused">
          <span>{error}</span>
        </td>
      ) : (
        columns.map((at, column) => (
          <td key={at} class={at === chosen ? "chosen" : ""} onPointerEnter={() => onPoint(at)}>
            <Cell
              measure={answer.measures[at]!}
              value={values[at]!}
              cell={`${row}.${column + 1}`}
              hasItems={!!answer.items[answer.measures[at]!.name]?.length}
              onBehind={() => onBehind(at)}
            />
          </td>
        ))
      )}
    </tr>
  );
}

interface CellProps {
  measure: Measure;
  value: Value;
  cell: string;
  hasItems: boolean;
  onBehind: () => void;
}

function Cell({ measure, value: [value, low, high, why], cell, hasItems, onBehind }: CellProps) {
  if (value === null)
    return (
      <span class="none" title={why}>
        –
      </span>
    );
  const { name, unit, of_texts } = measure;
  const text = shown(value, unit);
  return (
    <>
      {of_texts || hasItems ? (
        <button
          type="button"
          class="quiet"
          tabIndex={-1}
          data-cell={cell}
          title={fill(words.behindNumber, { name: nameOf(name) })}
          onClick={onBehind}
        >
          {text}
        </button>
      ) : (
        <b>{text}</b>
      )}
      <small>
        {low === null || high === null
          ? " "
          : fill(words.between, { low: shown(low, unit), high: shown(high, unit) })}
      </small>
    </>
  );
}
