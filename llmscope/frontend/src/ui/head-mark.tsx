import { useContext } from "preact/hooks";
import { rgb } from "../draw/color-scale";
import { INK, ThemeContext } from "../host/colors";
import { DASHES } from "../protocol/shared";

/** A piece of the line that a chosen head is drawn in, by its place among them. */
export function HeadMark({ index }: { index: number }) {
  const ink = INK[useContext(ThemeContext).value].heads[index]!;
  return (
    <svg class="head-mark" viewBox="0 0 28 8" aria-hidden="true">
      <path d="M0 4h28" stroke={rgb(ink)} stroke-dasharray={DASHES[index]!.join(" ")} />
    </svg>
  );
}
