import type { Signal } from "@preact/signals";
import { useContext, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { prepare, px } from "../../draw/canvas";
import { heatmaps, stamp } from "../../draw/heatmap";
import { INK, ThemeContext } from "../../host/colors";
import type { HeadAnswer } from "../../protocol/over-steps";
import type { TrainingStore } from "../../store/training";
import { useScale } from "../../ui/em";
import { count } from "../../ui/format";
import { nearestTo } from "../../ui/steps-axis";
import { useSize } from "../../ui/use-size";
import { type Tiles, placeOf, tileAt, tilesOf } from "./tiles";

const HIGH = 262; // pixels of all pictures
const BELOW = 15; // for the number of a step
const DIGIT = 7.5; // pixels of a letter of it

interface PicturesProps {
  training: TrainingStore;
  answer: HeadAnswer | null;
  isOld: boolean;
  /** As many as there are, or will be. */
  most: number;
  read: Signal<number | null>;
}

/** The attention of a head at some of the steps, in the order of reading. */
export function Pictures({ training, answer, isOld, most, read }: PicturesProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(box);
  const em = useScale();
  const theme = useContext(ThemeContext).value;
  const shown = answer?.steps.data.length ?? most;
  // On a stage the height is given.
  const [width, height] = [size.width, em > 1 ? size.height : HIGH];
  const tiles = useMemo(
    () => tilesOf(shown, { width, height }, BELOW * em, em),
    [shown, width, height, em],
  );
  useLayoutEffect(() => {
    const context = prepare(canvas.current!, width, height);
    const paint = { ink: INK[theme].attention, scale: "sqrt", threshold: 0 } as const;
    const pictures = answer ? heatmaps(answer.shades, paint) : [];
    context.fillStyle = INK[theme].cell;
    for (let index = 0; index < shown; index++) {
      const { x, y } = placeOf(tiles, index);
      context.fillRect(x, y, tiles.size, tiles.size);
      if (pictures[index]) stamp(context, pictures[index]!, x, y, tiles.size, tiles.size);
    }
  }, [answer, tiles, width, height, theme]);
  const at = (event: MouseEvent): number | null => {
    const bounds = box.current!.getBoundingClientRect();
    const found = tileAt(tiles, shown, event.clientX - bounds.left, event.clientY - bounds.top);
    return found === null || isOld ? null : (answer?.steps.data[found] ?? null);
  };
  return (
    <div
      ref={box}
      class={`head-pictures figures ${isOld ? "old" : ""}`}
      style={em > 1 ? {} : { height: px(HIGH) }}
      onPointerMove={(event) => (read.value = at(event))}
      onPointerLeave={() => (read.value = null)}
      onClick={(event) => {
        const step = at(event);
        if (step !== null) training.turn(step);
      }}
    >
      <canvas ref={canvas} />
      {answer && <Marks training={training} answer={answer} tiles={tiles} />}
    </div>
  );
}

interface MarksProps {
  training: TrainingStore;
  answer: HeadAnswer;
  tiles: Tiles;
}

/** The step under each, and a frame at the one in focus, dashed where that is only the nearest. */
function Marks({ training, answer, tiles }: MarksProps) {
  const em = useScale();
  const step = training.step.value;
  const { data } = answer.steps;
  const here = nearestTo(data, step);
  const frame = placeOf(tiles, here);
  const longest = count(data.at(-1) ?? 0).length * DIGIT * em;
  const every = Math.max(1, Math.ceil(longest / Math.max(1, tiles.size)));
  return (
    <>
      {Array.from(data, (number, index) => {
        const { x, y } = placeOf(tiles, index);
        const isSaid = index === here || (index % tiles.across) % every === 0;
        const isNear = index !== here && Math.abs(index - here) < every;
        return isSaid && !isNear ? (
          <span
            key={index}
            class={index === here ? "here" : ""}
            style={{ left: px(x + tiles.size / 2), top: px(y + tiles.size + 1) }}
          >
            {count(number)}
          </span>
        ) : null;
      })}
      <i
        class={`frame ${data[here] === step ? "" : "near"}`}
        style={{
          left: px(frame.x),
          top: px(frame.y),
          width: px(tiles.size),
          height: px(tiles.size),
        }}
      />
    </>
  );
}
