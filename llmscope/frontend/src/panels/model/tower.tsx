import { Fragment } from "preact";
import { useContext } from "preact/hooks";
import type { Box, Point, Position, Tower } from "../../protocol/model";
import { idOf } from "../../store/model";
import { model as words } from "#words/model";
import { Answer } from "./answer";
import { BoxButton } from "./box";
import { PictureContext } from "./context";
import { titleOf } from "./names";
import { Stack } from "./stack";
import { Tokens } from "./tokens";
import { Vector } from "./vector";

/** Boxes whose vectors are added up before the first block. */
const ADDED = new Set(["embedding", "types", "positions"]);

/** A tower from its text to its end, its blocks folded. */
export function TowerRow({ tower }: { tower: Tower }) {
  const { store } = useContext(PictureContext);
  const { anatomy } = store;
  const read = anatomy.stream.value?.answer;
  const of = (points: readonly Point[] | undefined, { id }: Box) =>
    points?.find(({ at }) => at === id);
  const tokens = tower.before.find(({ kind }) => kind === "tokens");
  const added = tower.before.filter(({ kind }) => ADDED.has(kind));
  const rest = tower.before.filter((box) => box !== tokens && !added.includes(box));
  const aside = tower.positions.filter(({ how }) => !["learned", "sinusoidal"].includes(how));
  const isEnd = ({ kind }: Box) => kind === "unembedding" || kind === "softmax";
  const end = tower.after.filter(isEnd);
  const chain = tower.after.filter((box) => !isEnd(box));
  const place = (box: Box) => ({ box, tower: tower.tower, layer: null });
  return (
    <div class="model-tower" role="group" aria-label={words.towers[tower.tower]}>
      {tokens && <Tokens box={tokens} tower={tower.tower} />}
      <Arrow />
      <div class="model-added">
        {added.map((box) => (
          <div key={box.id} class="model-node">
            <BoxButton place={place(box)} />
            <Vector name={titleOf(box)} point={of(read?.before, box)} upright />
          </div>
        ))}
        {aside.map((position) => (
          <Aside key={position.how} position={position} tower={tower} />
        ))}
      </div>
      {added.length > 1 ? <Plus /> : <Arrow />}
      <Line boxes={rest} tower={tower} points={read?.before} />
      <Stack tower={tower} />
      <Arrow />
      <Line boxes={chain} tower={tower} points={read?.after} />
      {end.map((box, index) => (
        <Fragment key={box.id}>
          {index > 0 && <Arrow />}
          {box.kind === "softmax" ? (
            <Answer place={place(box)} />
          ) : (
            <BoxButton place={place(box)} />
          )}
        </Fragment>
      ))}
    </div>
  );
}

interface LineProps {
  boxes: readonly Box[];
  tower: Tower;
  points: readonly Point[] | undefined;
}

/** Boxes that a vector goes through one after the other, below each other; and what comes of it. */
function Line({ boxes, tower, points }: LineProps) {
  if (boxes.length === 0) return null;
  const point = boxes.flatMap(({ id }) => points?.find(({ at }) => at === id) ?? []).at(-1);
  const last = boxes.find(({ id }) => id === point?.at) ?? boxes.at(-1)!;
  return (
    <>
      <div class="model-chain">
        <div>
          {boxes.map((box) => (
            <BoxButton key={box.id} place={{ box, tower: tower.tower, layer: null }} />
          ))}
        </div>
        <Vector name={titleOf(last)} point={point} upright />
      </div>
      <Arrow />
    </>
  );
}

/** Positions that aren't added to the stream: where they act. */
function Aside({ position, tower }: { position: Position; tower: Tower }) {
  const { store } = useContext(PictureContext);
  const name = position.box?.split(".").at(-1);
  const layer = store.anatomy.layer.value;
  const found = name && store.anatomy.find(idOf(tower.tower, layer, name));
  const [title, where] = [words.positions[position.how], words.where[position.how as "rotary"]];
  if (!found)
    return (
      <p class="model-aside" title={position.why}>
        <b>{title}</b>
        <small>{where}</small>
      </p>
    );
  return (
    <BoxButton
      place={{ ...found, box: { ...found.box, opens: "box" } }}
      class="model-aside"
      title={title}
      facts={[where]}
      opens={idOf(tower.tower, layer, name)}
    />
  );
}

export const Arrow = () => <span class="model-arrow" aria-hidden="true" />;

export const Plus = () => (
  <span class="model-plus" aria-hidden="true">
    +
  </span>
);
