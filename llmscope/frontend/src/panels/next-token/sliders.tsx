import { NEUTRAL, ORDERS } from "../../protocol/shared";
import { CHAINS } from "../../sampling/sampling";
import type { Store } from "../../store/store";
import { count, setting } from "../../ui/format";
import { clamp, logScale } from "../../ui/scale";
import { Segmented } from "../../ui/segmented";
import { nextToken as words } from "#words/next-token";
import { Slider, byHundredths } from "./slider";

const HOTTEST = 2;

interface SlidersProps {
  store: Store;
  vocabulary: number;
  /** Whether the settings that few people need are shown. */
  more: boolean;
}

export function Sliders({ store, vocabulary, more }: SlidersProps) {
  const { temperature, topK, topP, minP, typicalP, order } = store.state;
  const log = logScale([1, vocabulary], [0, 1]);
  const kept = (k: number) => (k >= vocabulary ? 0 : Math.max(1, k));
  const chain = CHAINS[order.value];
  return (
    <div class="sliders">
      <Slider
        name={words.settings.temperature}
        value={temperature}
        max={HOTTEST}
        neutral={NEUTRAL.temperature}
        marks={[1]}
        shown={temperature.value === 0 ? words.greedy : setting(temperature.value)}
        step={byHundredths(5)}
      />
      <Slider
        name={words.settings["top-k"]}
        value={topK}
        max={1}
        neutral={NEUTRAL.topK}
        marks={[10, 100, 1000, 10_000].filter((k) => k < vocabulary)}
        isOff={topK.value === NEUTRAL.topK}
        shown={topK.value === 0 ? words.off : count(topK.value)}
        toPlace={(k) => (k === 0 ? 1 : clamp(log(k), 0, 1))}
        fromPlace={(place) => kept(Math.round(log.invert(place)))}
        step={(k, by, fine) => {
          const from = k || vocabulary;
          return kept(from + by * (fine ? 1 : Math.max(1, Math.round(from * 0.02))));
        }}
      />
      <Slider
        name={words.settings["top-p"]}
        value={topP}
        max={1}
        neutral={NEUTRAL.topP}
        marks={[0.5, 0.9]}
        isOff={topP.value === NEUTRAL.topP}
        shown={topP.value === 1 ? words.off : setting(topP.value)}
        step={byHundredths(1)}
      />
      {more && (
        <>
          <Slider
            name={words.settings["min-p"]}
            value={minP}
            max={1}
            neutral={NEUTRAL.minP}
            isOff={minP.value === NEUTRAL.minP}
            shown={minP.value === 0 ? words.off : setting(minP.value)}
            step={byHundredths(1)}
          />
          <Slider
            name={words.settings.typical}
            value={typicalP}
            max={1}
            neutral={NEUTRAL.typicalP}
            isOff={typicalP.value === NEUTRAL.typicalP}
            shown={
              chain.includes("typical")
                ? typicalP.value === 1
                  ? words.off
                  : setting(typicalP.value)
                : words.none
            }
            disabled={!chain.includes("typical")}
            fromPlace={(place) => Math.max(0.01, Math.round(place * 100) / 100)}
            step={(p, by, fine) => Math.max(0.001, byHundredths(1)(p, by, fine))}
          />
          <div class="orders">
            <span>{words.order}</span>
            <Segmented
              label={words.orderLabel}
              options={ORDERS}
              value={order.value}
              onPick={(picked) => (order.value = picked)}
            />
          </div>
        </>
      )}
    </div>
  );
}
