import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Tower } from "../../protocol/model";
import { compact, count } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { Label, plain } from "../../ui/label";
import { clamp } from "../../ui/scale";
import { model as words } from "#words/model";
import { rich } from "../../words/fill";
import type { PanelProps } from "../props";
import { Block } from "./block";
import { BoxButton } from "./box";
import { type Told, PictureContext } from "./context";
import { Crossing } from "./crossing";
import { Folded } from "./folded";
import { Opened } from "./opened";
import { Reading } from "./reading";
import { TowerRow } from "./tower";
import { Zoom } from "./zoom";

/** The whole model, from the text to the next token, with the vectors of the token in focus. */
export function Model({ store }: PanelProps) {
  const { anatomy, state } = store;
  const isOpen = state.model.value || state.lecture.value || anatomy.isInstead.value;
  const told = useSignal<Told | null>(null);
  const picture = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    anatomy.look(1);
    return () => anatomy.look(-1);
  }, [isOpen]);
  if (!isOpen) return null;
  const structure = anatomy.structure.value;
  const tower = anatomy.tower.value;
  const tokens = anatomy.tokens.value;
  const position = anatomy.position.value;
  const token = tokens[position];
  const box = state.box.value;
  const isInBlock = /(^|\.)block\./.test(box);
  const isOld =
    !anatomy.isNow(anatomy.stream.value, anatomy.wanted.stream) ||
    !anatomy.isNow(anatomy.block.value, anatomy.wanted.block);
  const keys = onKeys("model", {
    move({ down, right }) {
      if (down) return anatomy.choose(clamp(anatomy.layer.value - down, 0, tower!.blocks - 1));
      const side =
        tower!.tower === "self" && store.trace.value!.target.length ? "target" : "tokens";
      store.pin(clamp(position + right, 0, tokens.length - 1), side);
    },
    head({ right }) {
      const place = anatomy.heads.value;
      if (!place) return false;
      const head = clamp(state.head.value + right, 0, Number(place.box.facts.heads) - 1);
      store.attention.keep({ layer: place.layer!, head });
      told.value = { what: "box", place, head };
    },
    close: () => anatomy.close(),
  });
  const before = (one: Tower) => structure!.towers.indexOf(one) < structure!.towers.indexOf(tower!);
  const isCrossed = structure?.towers.length === 2;
  const lacking = anatomy.lacking.value ?? (store.trace.value ? null : words.empty);
  return (
    <section class="panel model" aria-label={words.title}>
      <div class="title">
        <h3 class="ellipsis">
          {words.title}{" "}
          <small class="figures">
            {structure &&
              token &&
              rich(words.about, {
                parameters: compact(structure.parameters),
                token: <Label text={plain(token.label)} />,
                number: count(position + 1),
                count: count(tokens.length),
              })}
          </small>
        </h3>
      </div>
      {lacking || !structure || !token ? (
        <p class="muted empty">{lacking ?? words.reading}</p>
      ) : (
        <PictureContext.Provider value={{ store, told }}>
          <div
            ref={picture}
            class={`model-picture ${isOld ? "model-old" : ""} ${box ? "opened" : ""} ${isCrossed ? "crossed" : ""}`}
            role="group"
            aria-label={words.picture}
            onKeyDown={keys}
          >
            {structure.towers.map(
              (one) => one !== tower && before(one) && <Folded key={one.tower} tower={one} />,
            )}
            {tower && <TowerRow tower={tower} />}
            {structure.whole && (
              <BoxButton place={{ box: structure.whole, tower: "self", layer: null }} />
            )}
            {tower && tower.runs.length > 0 && (
              <Zoom picture={picture} layer={anatomy.layer.value} />
            )}
            <div class="model-detail">
              {tower && (!box || isInBlock) && <Block tower={tower} isSmall={isInBlock} />}
              {box && <Opened id={box} />}
            </div>
            {structure.towers.map(
              (one) => one !== tower && !before(one) && <Folded key={one.tower} tower={one} />,
            )}
            {isCrossed && <Crossing picture={picture} />}
            <Reading />
          </div>
        </PictureContext.Provider>
      )}
    </section>
  );
}
