import { type Signal, useSignal } from "@preact/signals";
import { useContext, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { px } from "../../draw/canvas";
import { ThemeContext } from "../../host/colors";
import type { LensAnswer } from "../../protocol/over-steps";
import type { TrainingStore } from "../../store/training";
import { useScale } from "../../ui/em";
import { count, power } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { Label, plain } from "../../ui/label";
import { useKept, useOverSteps } from "../../ui/over-steps";
import { Save } from "../../ui/save";
import { clamp } from "../../ui/scale";
import { nearestTo } from "../../ui/steps-axis";
import { useSize } from "../../ui/use-size";
import { lensSteps as words } from "#words/lens-steps";
import { overSteps } from "#words/over-steps";
import { fill, rich } from "../../words/fill";
import type { PanelProps } from "../props";
import { type Places, paint, topOf } from "./paint";
import { type Lens, lensOf } from "./runs";

const LEFT = 40; // pixels, for the numbers of layers
const RIGHT = 14; // for half of the last number of a step
const BELOW = 20; // and for those of steps
const TALL = 400; // pixels of all rows, where they aren't few
const ROW = { least: 4, most: 32, stage: 44 };
const WIDEST = 120; // pixels of a step
const DIGIT = 7.5;

/** The likeliest token after each layer at one position, over all kept steps of a training. */
export function LensSteps({ store }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const { training } = store;
  const kept = useKept(store);
  const [run, probe, position] = [
    training?.run.value ?? 0,
    training?.probe.value ?? 0,
    training?.position.value ?? -1,
  ];
  const isThere = position >= 0;
  const { answer, isOld, lacking } = useOverSteps<LensAnswer>(
    store,
    isThere && kept > 0 ? { type: "training_lens", run, probe, position } : null,
  );
  const { tokens, kinds } = training?.probes.value[probe] ?? {};
  const token = tokens?.[position];
  const layers = kinds?.self?.[0] ?? training?.model.value?.layers ?? 0;
  const hasRows = !answer || (answer.ids.shape[1] ?? 0) > 0;
  return (
    <section ref={panel} class="panel lens-steps" aria-label={words.title}>
      <h3>
        <span class="ellipsis">
          {words.title}{" "}
          {isThere && token !== undefined && (
            <small>{fill(words.about, { token: plain(token) })}</small>
          )}
        </span>
      </h3>
      {training && isThere && !lacking && hasRows ? (
        <Grid
          training={training}
          answer={answer}
          rows={answer?.ids.shape[1] ?? layers + 1}
          isOld={isOld}
        />
      ) : (
        <p class="muted empty">
          {lacking ?? (training?.current.value ? words.none : overSteps.empty)}
        </p>
      )}
      <p class="note lines lens-steps-note extra">
        {words.legend}
        <span data-tool> · {words.click}</span>
      </p>
      <div class="foot extra">
        <Save of={panel} name={`layers-over-steps-${token ?? ""}`} />
      </div>
    </section>
  );
}

/** A row, which is a layer but for the first, and a step by its index. */
interface Cell {
  row: number;
  step: number;
}

interface GridProps {
  training: TrainingStore;
  answer: LensAnswer | null;
  rows: number;
  isOld: boolean;
}

function Grid({ training, answer, rows, isOld }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const read = useSignal<Cell | null>(null);
  const size = useSize(box);
  const em = useScale();
  const theme = useContext(ThemeContext).value;
  const lens = useMemo(() => answer && lensOf(answer), [answer]);
  const steps = lens?.steps.length ?? 1;
  const [left, below] = [LEFT * em, BELOW * em];
  // On a stage the height is given.
  const room = em > 1 ? size.height - below : TALL;
  const most = em > 1 ? ROW.stage * em : ROW.most;
  const high = clamp(Math.floor(room / rows), ROW.least, most);
  const wide = Math.min(WIDEST * em, Math.max(1, size.width - left - RIGHT * em) / steps);
  const places = useMemo<Places>(
    () => ({ wide, high, width: wide * steps, height: high * rows }),
    [wide, high, steps, rows],
  );
  useLayoutEffect(() => {
    if (!lens || size.width === 0) return;
    const family = getComputedStyle(canvas.current!).fontFamily;
    paint(canvas.current!, lens, places, theme, { family, em });
  }, [lens, places, theme, em]);
  const at = (event: MouseEvent): Cell | null => {
    const bounds = canvas.current!.getBoundingClientRect();
    const step = Math.floor((event.clientX - bounds.left) / wide);
    const row = rows - 1 - Math.floor((event.clientY - bounds.top) / high);
    const isWithin = step >= 0 && step < steps && row >= 0 && row < rows;
    return isWithin && lens && !isOld ? { row, step } : null;
  };
  const here = (): Cell =>
    read.peek() ?? { row: rows - 1, step: nearestTo(lens?.steps ?? [], training.step.peek()) };
  const put = (cell: Cell) => void (lens && (read.value = cell));
  const keys = onKeys("lensSteps", {
    move({ down, right }) {
      const { row, step } = here();
      put({ row: clamp(row - down, 0, rows - 1), step: clamp(step + right, 0, steps - 1) });
    },
    first: () => put({ ...here(), step: 0 }),
    last: () => put({ ...here(), step: steps - 1 }),
    take: () => void (lens && training.turn(lens.steps[here().step]!)),
  });
  const every = Math.max(1, Math.ceil((15 * em) / high));
  return (
    <>
      <div
        ref={box}
        class={`lens-steps-grid figures ${isOld ? "old" : ""}`}
        role="application"
        tabIndex={0}
        aria-label={words.grid}
        style={em > 1 ? {} : { height: px(high * rows + below) }}
        onKeyDown={keys}
        onPointerMove={(event) => (read.value = at(event))}
        onPointerLeave={() => (read.value = null)}
        onBlur={() => (read.value = null)}
        onClick={(event) => {
          const cell = at(event);
          if (cell) training.turn(lens!.steps[cell.step]!);
        }}
      >
        {Array.from({ length: rows }, (_, row) => rows - 1 - row).map((row, index) =>
          index % every === 0 || row === 0 ? (
            <span
              key={row}
              class={row === 0 && (rows - 1) % every !== 0 && high < 10 * em ? "unseen" : ""}
              style={{ top: px(topOf(places, rows, row) + high / 2), width: px(left - 8 * em) }}
            >
              {row ? row - 1 : words.embeddings}
            </span>
          ) : null,
        )}
        <div class="lens-steps-cells" style={{ left: px(left) }}>
          <canvas ref={canvas} />
          {lens && <Below lens={lens} places={places} em={em} />}
          {lens && <Focus training={training} lens={lens} places={places} />}
          {lens && <Over places={places} rows={rows} read={read} />}
        </div>
      </div>
      <Reading training={training} lens={isOld ? null : lens} rows={rows} read={read} />
    </>
  );
}

/** Numbers of steps below their columns, as many as there is room for. */
function Below({ lens, places, em }: { lens: Lens; places: Places; em: number }) {
  const { steps } = lens;
  const longest = count(steps[steps.length - 1] ?? 0).length * DIGIT * em + 10 * em;
  const every = Math.max(1, Math.ceil(longest / places.wide));
  return (
    <>
      {Array.from(steps, (step, index) =>
        index % every === 0 ? (
          <span
            key={step}
            class="number"
            style={{ left: px((index + 0.5) * places.wide), top: px(places.height + 2 * em) }}
          >
            {count(step)}
          </span>
        ) : null,
      )}
    </>
  );
}

/** Around the step in focus: all that changes while steps are walked. */
function Focus({
  training,
  lens,
  places,
}: {
  training: TrainingStore;
  lens: Lens;
  places: Places;
}) {
  const index = nearestTo(lens.steps, training.step.value);
  const { wide, height } = places;
  return (
    <i
      class="frame column"
      style={{ left: px(index * wide), width: px(wide), height: px(height - 1) }}
    />
  );
}

function Over({ places, rows, read }: { places: Places; rows: number; read: Signal<Cell | null> }) {
  const cell = read.value;
  if (!cell) return null;
  const { wide, high } = places;
  const style = {
    left: px(cell.step * wide),
    top: px(topOf(places, rows, cell.row)),
    width: px(wide),
    height: px(high - 1),
  };
  return <i class="frame cell" style={style} />;
}

interface ReadingProps {
  training: TrainingStore;
  lens: Lens | null;
  rows: number;
  read: Signal<Cell | null>;
}

/** What is read: else the model's own word at the step in focus. */
function Reading({ training, lens, rows, read }: ReadingProps) {
  const cell = read.value ?? {
    row: rows - 1,
    step: nearestTo(lens?.steps ?? [], training.step.value),
  };
  const { row, step } = cell;
  const isKnown = lens && row < lens.rows && !Number.isNaN(lens.logprob(row, step));
  return (
    <p class="lens-steps-reading lines figures" role="status">
      {isKnown
        ? rich(row ? words.at : words.atFirst, {
            token: (
              <b>
                <Label text={lens.label(row, step)} />
              </b>
            ),
            share: power(lens.logprob(row, step)),
            layer: row - 1,
            step: count(lens.steps[step]!),
          })
        : training.step.value < 0
          ? overSteps.empty
          : "\u00a0"}
    </p>
  );
}
