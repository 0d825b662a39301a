import type { RefObject } from "preact";
import { toSvg } from "../draw/svg";
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
    const { svg, size } = toSvg(root, ground);
    const picture =
      kind === "svg" ? new Blob([svg], { type: "image/svg+xml" }) : await toPng(svg, size);
    download(picture, `${name.replace(/[^\w.-]+/g, "-")}.${kind}`);
  };
  return (
    <span class="save" data-tool>
      {(["png", "svg"] as const).map((kind) => (
        <button
          key={kind}
          type="button"
          class="quiet"
          title={`Save the picture as ${kind.toUpperCase()}`}
          onClick={() => void save(kind)}
        >
          {kind.toUpperCase()}
        </button>
      ))}
    </span>
  );
}

async function toPng(svg: string, [width, height]: [number, number]): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width * SHARPER;
  canvas.height = height * SHARPER;
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob((blob) => done(blob!)));
}
