import type { ComponentChildren } from "preact";
import { useContext } from "preact/hooks";
import type { Box, Point, Stage, Tower } from "../../protocol/model";
import { compact, component, count } from "../../ui/format";
import { model as words } from "#words/model";
import { fill } from "../../words/fill";
import { BoxButton, lead } from "./box";
import { PictureContext } from "./context";
import { Heads } from "./heads";
import { titleOf } from "./names";
import { Arrow, Plus } from "./tower";
import { Vector } from "./vector";

/** What a block makes of the stream: branches that are added to it, one after the other. */
export function Block({ tower, isSmall }: { tower: Tower; isSmall: boolean }) {
  const { store } = useContext(PictureContext);
  const { anatomy } = store;
  const layer = anatomy.layer.value;
  const stages = anatomy.stages.value;
  const points = new Map(anatomy.block.value?.answer.points.map((point) => [point.at, point]));
  const onLine = (stage: Stage | undefined) =>
    stage?.after.map((box) => (
      <BoxButton key={box.id} place={{ box, tower: tower.tower, layer }} class="on-line" />
    ));
  const last = points.get(`stream.${stages.length}`);
  return (
    <div
      class={`model-block ${isSmall ? "small" : ""} ${isCrowded(stages) ? "crowded" : ""}`}
      role="group"
      aria-label={nameOf(layer)}
    >
      {stages.map((stage, index) => (
        <StageOf
          key={index}
          stage={stage}
          tower={tower}
          layer={layer}
          points={points}
          before={
            <>
              {onLine(stages[index - 1])}
              <Station
                name={
                  index === 0
                    ? words.into
                    : fill(words.behind, { name: aboutOf(stages[index - 1]!) })
                }
                point={points.get(`stream.${index}`)}
              />
            </>
          }
        />
      ))}
      <div class="model-end">
        <BlockName tower={tower} layer={layer} />
        <div class="model-line">
          {onLine(stages.at(-1))}
          <Station name={words.out} point={last} />
        </div>
      </div>
    </div>
  );
}

/** Which block it is, and what it has; it leads to what the model would say behind it. */
function BlockName({ tower, layer }: { tower: Tower; layer: number }) {
  const { store } = useContext(PictureContext);
  const run = store.anatomy.run.value;
  const said = (
    <>
      <b>{nameOf(layer)}</b>
      <small>{fill(words.of, { count: count(tower.blocks) })}</small>
      {run && <small>{fill(words.parameters, { count: compact(run.parameters) })}</small>}
    </>
  );
  if (tower.tower === "encoder" || !store.state.panels.value.includes("lens"))
    return <p class="model-block-name">{said}</p>;
  return (
    <button
      type="button"
      class="quiet model-block-name"
      title={words.elsewhere.lens}
      onClick={() => lead(store, "lens", layer)}
    >
      {said}
    </button>
  );
}

/** Whether its boxes have little room beside each other. */
const isCrowded = (stages: readonly Stage[]): boolean =>
  stages.length > 2 ||
  stages.reduce((sum, { branches }) => sum + Math.max(0, ...branches.map((one) => one.length)), 0) >
    5;

export const nameOf = (layer: number): string => fill(words.block, { layer });

interface StageProps {
  stage: Stage;
  tower: Tower;
  layer: number;
  points: ReadonlyMap<string, Point>;
  /** The stream before it. */
  before: ComponentChildren;
}

function StageOf({ stage, tower, layer, points, before }: StageProps) {
  const { shared, branches, adds, whole } = stage;
  const rows = whole ? [[whole]] : branches;
  const nodes = (boxes: readonly Box[]) =>
    boxes.map((box) => (
      <NodeOf key={box.id} box={box} tower={tower} layer={layer} points={points} />
    ));
  return (
    <div class="model-stage">
      <div class={`model-branches ${rows.length > 1 ? "many" : ""}`}>
        <span class="model-rise" aria-hidden="true" />
        {shared.length > 0 && <div class="model-branch shared">{nodes(shared)}</div>}
        <div class="model-rows">
          {rows.map((boxes) => (
            <div key={boxes[0]?.id} class="model-branch">
              {nodes(boxes)}
            </div>
          ))}
        </div>
        <span class="model-fall" aria-hidden="true" />
      </div>
      <div class="model-line">
        {before}
        {adds && !whole ? <Plus /> : <Arrow />}
      </div>
    </div>
  );
}

const aboutOf = ({ branches, whole }: Stage): string =>
  titleOf(mainOf(whole ? [whole] : branches.flat()));

/** The box that a branch is about. */
const mainOf = (boxes: readonly Box[]): Box =>
  boxes.find(({ kind }) => ["heads", "mlp", "moe", "mixer", "unknown"].includes(kind)) ?? boxes[0]!;

interface NodeProps {
  box: Box;
  tower: Tower;
  layer: number;
  points: ReadonlyMap<string, Point>;
}

/** A box in a block, with what it gives. */
function NodeOf({ box, tower, layer, points }: NodeProps) {
  const place = { box, tower: tower.tower, layer };
  const inside = points.get(`${box.id}.neurons`);
  return (
    <div class={`model-node is-${box.kind}`}>
      <BoxButton place={place}>
        {box.kind === "heads" && <Heads place={place} />}
        {(box.kind === "mlp" || inside) && <Vector name={words.kinds.mlp} point={inside} />}
      </BoxButton>
      <Vector name={titleOf(box)} point={points.get(box.id)} upright />
    </div>
  );
}

interface StationProps {
  name: string;
  point: Point | undefined;
}

/** A point of the residual stream: its vector, and how long it is. */
function Station({ name, point }: StationProps) {
  return (
    <div class="model-station">
      <Vector name={name} point={point} />
      <span class="figures" title={name}>
        {point ? fill(words.length, { length: component(point.length) }) : " "}
      </span>
    </div>
  );
}
