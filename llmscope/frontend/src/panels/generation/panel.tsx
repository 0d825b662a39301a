import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { TreeNode } from "../../protocol/answers";
import { SHADES, type Shade } from "../../protocol/shared";
import type { GenerationStore } from "../../store/generation";
import type { Store } from "../../store/store";
import { bits, count, percent, twoDecimals } from "../../ui/format";
import { Hint } from "../../ui/hint";
import { onKeys } from "../../ui/keys";
import { Label, plain } from "../../ui/label";
import { TextArea } from "../../ui/text-area";
import { common } from "#words/common";
import { onPaper } from "../../ui/paper";
import { generation as words } from "#words/generation";
import { choose, fill, rich } from "../../words/fill";
import type { PanelProps } from "../props";
import { Branches } from "./branches";
import { Copy } from "./copy";
import { Legend } from "./legend";
import { Output } from "./output";

const SPEEDS = [0, 1, 2, 5, 10];

/** A text that writes itself, and the hand that a person has in it. */
export function Generation({ store }: PanelProps) {
  const generation = store.generation!;
  const { editable } = store.state;
  return (
    <section
      class="panel card generation"
      aria-label={words.label}
      onKeyDown={(event) => keys(event, generation, store)}
    >
      {editable.value && <Prompt store={store} />}
      <Controls store={store} generation={generation} />
      <Output store={store} generation={generation} />
      <Caption store={store} generation={generation} />
      <Hint name="play" />
      <div class="extra">
        <Branches generation={generation} />
      </div>
    </section>
  );
}

function keys(event: KeyboardEvent, generation: GenerationStore, store: Store): void {
  const target = event.composedPath()[0] as HTMLElement;
  if (/^(TEXTAREA|INPUT|SELECT|BUTTON)$/.test(target.tagName)) return;
  const path = generation.shownPath.value;
  const at = generation.selected.value;
  const place = at === null ? path.length : path.findIndex(({ number }) => number === at);
  const look = (to: number) => generation.look(path[to]?.number ?? null, generation.beside.value);
  const { playing } = store.state;
  onKeys("written", {
    play: () => void (playing.value = !playing.value),
    step: () => void generation.step(),
    before: () => look(Math.max(0, place - 1)),
    after: () => (at === null ? void generation.step() : look(place + 1)),
    undo: () => void generation.undo(),
    release: () => generation.look(null),
  })(event);
}

function Prompt({ store }: { store: Store }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const { text } = store.state;
  return (
    <label class="prompt extra">
      <span class="muted">{common.prompt}</span>
      <TextArea
        area={area}
        value={text}
        name={common.prompt}
        placeholder={words.type}
        onEdit={(typed) => {
          store.generation!.stop();
          text.value = typed;
        }}
      />
    </label>
  );
}

function Controls({ store, generation }: { store: Store; generation: GenerationStore }) {
  const { playing, seed, doSample, maxNewTokens, speed, shade } = store.state;
  const isPlaying = playing.value;
  const began = generation.prompt.value !== null;
  return (
    <div class="controls flow">
      <fieldset disabled={generation.lacking !== null} title={generation.lacking ?? undefined}>
        <button
          type="button"
          class="main"
          disabled={!began || (generation.ended.value && !isPlaying)}
          onClick={() => (playing.value = !isPlaying)}
        >
          {isPlaying ? words.pause : words.play}
        </button>
        <button
          type="button"
          disabled={!began || isPlaying || generation.ended.value}
          onClick={() => void generation.step()}
        >
          {common.step}
        </button>
        <button
          type="button"
          disabled={!generation.canUndo.value}
          title={words.undoTitle}
          onClick={() => void generation.undo()}
        >
          {common.undo}
        </button>
        <select
          class="extra"
          aria-label={words.speed}
          value={speed.value}
          onChange={(event) => (speed.value = Number(event.currentTarget.value))}
        >
          {SPEEDS.map((pace) => (
            <option key={pace} value={pace}>
              {pace === 0 ? words.fastest : fill(words.perSecond, { count: pace })}
            </option>
          ))}
        </select>
        <label class="extra" title={words.sampleTitle}>
          <input
            type="checkbox"
            checked={doSample.value}
            onChange={(event) => (doSample.value = event.currentTarget.checked)}
          />{" "}
          {words.sample}
        </label>
        <NumberField name={words.seed} value={seed} least={0} disabled={!doSample.value} />
        <NumberField name={words.maxTokens} value={maxNewTokens} least={1} />
      </fieldset>
      <span class="right">
        <label class="extra" title={words.shadeTitle}>
          <span class="muted">{words.shade}</span>{" "}
          <select
            value={shade.value}
            onChange={(event) => (shade.value = event.currentTarget.value as Shade)}
          >
            {SHADES.map((name) => (
              <option key={name} value={name}>
                {words.shades[name]}
              </option>
            ))}
          </select>
        </label>
        <Legend store={store} />
        <span class="extra">
          <Copy store={store} generation={generation} />
        </span>
      </span>
    </div>
  );
}

interface NumberFieldProps {
  name: string;
  value: { value: number };
  least: number;
  disabled?: boolean;
}

function NumberField({ name, value, least, disabled = false }: NumberFieldProps) {
  return (
    <label class="number extra">
      {name}{" "}
      <input
        type="number"
        class="text-input"
        min={least}
        step={1}
        disabled={disabled}
        value={value.value}
        onChange={(event) => {
          const wanted = Math.round(Number(event.currentTarget.value));
          if (Number.isFinite(wanted) && wanted >= least) value.value = wanted;
          else event.currentTarget.value = String(value.value);
        }}
      />
    </label>
  );
}

/** One line on the token that is looked at, or on the text so far. */
function Caption({ store, generation }: { store: Store; generation: GenerationStore }) {
  const at = generation.hovered.value ?? generation.selected.value;
  const node = at === null ? undefined : generation.node(at);
  const path = generation.path.value;
  const slow = useSignal(false);
  useEffect(() => {
    slow.value = false;
    if (generation.pending.value === 0) return;
    const timer = setTimeout(() => (slow.value = true), 500);
    return () => clearTimeout(timer);
  }, [generation.pending.value > 0, path.length]);
  if (store.isOld.value) return <p class="caption">{words.old}</p>;
  if (node)
    return (
      <p class="caption figures" role="status">
        {rich(words.token, {
          token: <Label text={plain(node.label)} />,
          figures: <Figures node={node} />,
        })}{" "}
        {generation.selected.value === node.number &&
          !onPaper.value &&
          (generation.lacking ?? words.pick)}
      </p>
    );
  if (!generation.prompt.value) return <p class="caption">{words.empty}</p>;
  if (slow.value && !store.state.playing.value)
    return (
      <p class="caption" role="status">
        {words.running}
      </p>
    );
  const logprob = path.reduce((sum, { logprob: one }) => sum + one, 0);
  return (
    <p class="caption figures" role="status">
      {path.length === 0
        ? words.begin
        : [
            fill(choose(words.soFar, path.length), {
              count: path.length,
              logprob: twoDecimals(logprob),
            }),
            generation.ended.value && whyEnded(path.length, store.state.maxNewTokens.value),
            !onPaper.value && words.point,
            generation.lacking,
          ]
            .filter(Boolean)
            .join(" ")}
    </p>
  );
}

const whyEnded = (length: number, most: number): string =>
  length >= most ? fill(words.reached, { count: count(most) }) : words.ended;

function Figures({ node }: { node: TreeNode }) {
  return (
    <>
      {fill(words.figures, {
        share: percent(Math.exp(node.logprob)),
        bits: bits(-node.logprob / Math.LN2),
        rank: node.rank + 1,
        sampled: percent(node.prob),
      })}
      {node.forced && <b> · {words.chosen}</b>}
    </>
  );
}
