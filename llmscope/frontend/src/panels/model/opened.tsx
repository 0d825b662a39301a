import { useContext } from "preact/hooks";
import type { BoxAnswer } from "../../protocol/model";
import { model as words } from "#words/model";
import { nameOf } from "./block";
import { PictureContext } from "./context";
import { said, titleOf } from "./names";

/** A box, opened in place. */
export function Opened({ id }: { id: string }) {
  const { store } = useContext(PictureContext);
  const { anatomy } = store;
  const place = anatomy.find(id);
  const read = anatomy.box.value;
  const isNow = read?.request.type === "model_box" && read.request.box === id;
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
      {isNow ? (
        <Inside answer={read.answer} />
      ) : (
        <p class="muted">{anatomy.boxLacks.value ?? words.reading}</p>
      )}
    </section>
  );
}

function Inside({ answer }: { answer: BoxAnswer }) {
  return <pre>{answer.kind}</pre>;
}
