import { useContext } from "preact/hooks";
import { rgb } from "../draw/color-scale";
import { ThemeContext } from "../host/colors";
import { effects as words } from "#words/effects";
import { inksOf } from "./effects";

/** Which colour of an effect means what. */
export function EffectLegend() {
  const [ahead, against] = inksOf(useContext(ThemeContext).value);
  return (
    <>
      <span class="one-line">
        <i class="swatch" style={{ background: rgb(ahead) }} /> {words.ahead}
      </span>{" "}
      <span class="one-line">
        <i class="swatch" style={{ background: rgb(against) }} /> {words.against}
      </span>
    </>
  );
}
