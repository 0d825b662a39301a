import { useContext } from "preact/hooks";
import type { BoxAnswer } from "../../protocol/model";
import { model as words } from "#words/model";
import { nameOf } from "./block";
import { PictureContext } from "./context";
import { Embedding } from "./details/embedding";
import { Mlp } from "./details/mlp";
import { Moe } from "./details/moe";
import { Norm } from "./details/norm";
import { HeadLengths, Plain, Unembedding } from "./details/plain";
import { Bias, Positions } from "./details/positions";
import { Rotary } from "./details/rotary";
import { said, titleOf } from "./names";

/** A box, opened in place. */
export function Opened({ id }: { id: string }) {
  const { store } = useContext(PictureContext);
  const { anatomy } = store;
  const place = anatomy.find(id);
  const read = anatomy.box.value;
  const request = read?.request;
  const at = request?.type === "model_box" && request.box === id ? request.position : -1;
  const position = /\.(rotary|alibi|relative)$/.exec(id)?.[1] as "rotary" | undefined;
  const title = position ? words.positions[position] : place && titleOf(place.box);
  const run = place && place.layer !== null ? anatomy.runOf(place.layer) : null;
  return (
    <section class="model-opened" aria-label={title ?? id}>
      <div class="spread">
        <h4>
          {title ?? id}{" "}
          <small>
            {place && place.layer !== null && `${nameOf(place.layer)} · `}
            {place && !position && said(place, run)[0]}
            {position && words.where[position]}
          </small>
        </h4>
        <button
          type="button"
          class="quiet"
          data-tool
          aria-label={words.close}
          title={words.close}
          onClick={() => anatomy.close()}
        >
          ✕
        </button>
      </div>
      {read && at >= 0 ? (
        <div class="model-inside">
          <Inside answer={read.answer} position={at} />
        </div>
      ) : (
        <p class="muted">{anatomy.boxLacks.value ?? words.reading}</p>
      )}
    </section>
  );
}

function Inside({ answer, position }: { answer: BoxAnswer; position: number }) {
  switch (answer.kind) {
    case "embedding":
      return <Embedding answer={answer} />;
    case "positions":
      return <Positions answer={answer} position={position} />;
    case "rotary":
      return <Rotary answer={answer} position={position} />;
    case "alibi":
    case "relative":
      return <Bias answer={answer} />;
    case "norm":
      return <Norm answer={answer} />;
    case "mlp":
      return <Mlp answer={answer} />;
    case "moe":
      return <Moe answer={answer} />;
    case "heads":
      return <HeadLengths answer={answer} />;
    case "unembedding":
      return <Unembedding answer={answer} />;
    case "plain":
      return <Plain answer={answer} />;
  }
}
