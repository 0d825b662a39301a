import type { RefObject } from "preact";
import { toPng } from "../draw/png";
import { toSvg } from "../draw/svg";
import { common } from "#words/common";
import { fill } from "../words/fill";
import { download } from "./download";

const SHARPER = 3; // pixels of a PNG to a pixel of the screen

interface SaveProps {
  of: RefObject<HTMLElement | null>;
  /** Of the file, without its ending. */
  name: string;
}

/** Saves what is on screen as a picture. */
export function Save({ of, name }: SaveProps) {
  const save = async (kind: "svg" | "png") => {
    const root = of.current!;
    const ground = getComputedStyle(root.closest(".llmscope")!).backgroundColor;
    const drawn = toSvg(root, ground);
    const picture =
      kind === "svg"
        ? new Blob([drawn.svg], { type: "image/svg+xml" })
        : await toPng(drawn, SHARPER);
    download(picture, `${name.replace(/[^\w.-]+/g, "-")}.${kind}`);
  };
  return (
    <span class="save" data-tool>
      {(["png", "svg"] as const).map((kind) => (
        <button
          key={kind}
          type="button"
          class="quiet"
          title={fill(common.savePicture, { kind: kind.toUpperCase() })}
          onClick={() => void save(kind)}
        >
          {kind.toUpperCase()}
        </button>
      ))}
    </span>
  );
}
