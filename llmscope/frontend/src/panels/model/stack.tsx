import { useContext, useRef } from "preact/hooks";
import type { Tower } from "../../protocol/model";
import { component, plural } from "../../ui/format";
import { clamp } from "../../ui/scale";
import { model as words } from "#words/model";
import { fill } from "../../words/fill";
import { PictureContext } from "./context";
import { kindOf } from "./names";

const NEAR = 0.25; // of all blocks, to an end of the axis whose number then gives way
const FLOOR = 4; // percent of the height, of a stream of no length

/** All blocks, folded: a bar for each, as high as the stream behind it is long. */
export function Stack({ tower }: { tower: Tower }) {
  const { store, told } = useContext(PictureContext);
  const { anatomy } = store;
  const bars = useRef<HTMLDivElement>(null);
  const lengths = anatomy.stream.value?.answer.lengths ?? [];
  const followed = anatomy.component.value?.answer.values;
  const ends = Array.from({ length: tower.blocks }, (_, layer) => lengths[layer]?.at(-1) ?? 0);
  const most = Math.max(...ends, 0) || 1;
  const here = anatomy.layer.value;
  const kinds = tower.runs.map(kindOf);
  const isMixed = new Set(kinds).size > 1;
  const layerAt = ({ clientX }: MouseEvent) => {
    const { left, width } = bars.current!.getBoundingClientRect();
    return clamp(Math.floor(((clientX - left) / width) * tower.blocks), 0, tower.blocks - 1);
  };
  const runOf = (layer: number) =>
    tower.runs.findIndex(({ first, count }) => layer < first + count);
  return (
    <div
      class="model-stack"
      role="slider"
      tabIndex={0}
      aria-label={words.stack}
      aria-orientation="vertical"
      aria-valuemin={0}
      aria-valuemax={tower.blocks - 1}
      aria-valuenow={here}
      aria-valuetext={fill(words.stackValue, {
        layer: here,
        count: tower.blocks,
        length: component(ends[here] ?? 0),
      })}
      onPointerMove={(event) => void (told.value = { what: "block", layer: layerAt(event) })}
      onPointerLeave={() => void (told.value = null)}
      onClick={(event) => anatomy.choose(layerAt(event))}
    >
      <span class="model-stack-name">
        <b>{plural(tower.blocks, words.blocks)}</b>
      </span>
      <div ref={bars} class="model-bars">
        {ends.map((length, layer) => (
          <i
            key={layer}
            class={[
              layer === here && "here",
              isMixed && runOf(layer) >= 0 && kinds[runOf(layer)] !== kinds[0] && "other",
            ]
              .filter(Boolean)
              .join(" ")}
            style={{ "--high": `${FLOOR + (100 - FLOOR) * (length / most)}%` }}
          />
        ))}
        {followed && <Followed values={followed} />}
      </div>
      <span class="model-stack-ends figures" aria-hidden="true">
        <span class={here / tower.blocks < NEAR ? "unseen" : ""}>0</span>
        <span class="here" style={{ left: `${(100 * (here + 0.5)) / tower.blocks}%` }}>
          {here}
        </span>
        <span class={here / tower.blocks > 1 - NEAR ? "unseen" : ""}>{tower.blocks - 1}</span>
      </span>
    </div>
  );
}

/** One number of the stream, behind each block. */
function Followed({ values }: { values: number[][] }) {
  const ends = values.map((points) => points.at(-1)!);
  const most = Math.max(...ends.map(Math.abs)) || 1;
  const points = ends.map((value, at) => `${at + 0.5},${(0.5 - value / most / 2.2).toFixed(4)}`);
  return (
    <svg class="model-followed" viewBox={`0 0 ${ends.length} 1`} preserveAspectRatio="none">
      <path d={`M0 .5H${ends.length}`} />
      <path d={`M${points.join("L")}`} />
    </svg>
  );
}
