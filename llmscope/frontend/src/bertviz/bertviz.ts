/** What bertviz's own scripts ask of the page that they run in: their libraries and their data. */

import { hsl } from "d3-color";
import { select } from "d3-selection-1"; // The last whose listeners get (datum, index).
import $ from "jquery/slim";
import { hearTheme } from "../host/frame";
import { fitIn } from "../host/page";
import type { Tensor } from "../protocol/arrays";
import { readPacked } from "../sources/page/content";
import { problems } from "#words/problems";
import { fill } from "../words/fill";

/** The colours that d3 5 calls so. */
const schemeCategory10 = [
  ...["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd"],
  ...["#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"],
];

/** As d3's: values get colours in the order in which they come, over and over. */
function scaleOrdinal(colors: readonly string[]): (value: unknown) => string {
  const known = new Map<unknown, string>();
  return (value) => {
    const color = known.get(value) ?? colors[known.size % colors.length]!;
    known.set(value, color);
    return color;
  };
}

type Weights = number[][]; // (queries, keys)

/** Attention of one kind between a part of the queries and a part of the keys. */
interface Shown {
  name: string;
  /** By layer, (heads, queries, keys); `null` where a layer has none of this kind. */
  layers: (Record<string, unknown> | null)[];
  queries: [start: number, stop: number];
  keys: [start: number, stop: number];
  left_text: string[];
  right_text: string[];
}

/** As bertviz's Python fills them in, but for the weights. */
interface Params {
  attention: Shown[];
  include_heads?: number[];
}

hearTheme();
const params = read(document.getElementById("page-data")!.textContent!);

Object.assign(window, {
  require: { config: () => {} },
  requirejs: (_names: string[], run: (...libraries: unknown[]) => void) =>
    params
      .then((found) => {
        Object.assign(window, { PYTHON_PARAMS: found });
        fitIn(document.querySelector("main")!);
        run($, { hsl, scaleOrdinal, schemeCategory10, select, version: "5" });
      })
      .catch((error: unknown) => {
        document.querySelector("main")!.textContent = fill(problems.cantShow, {
          error: String(error),
        });
      }),
});

async function read(base64: string) {
  const { page, opened } = await readPacked<Params>(base64);
  const attention = page.attention.map(({ layers, queries, keys, ...texts }) => ({
    ...texts,
    attn: layers.map((layer) => {
      const weights = layer && (opened(layer)["weights"] as Tensor);
      const heads = weights ? nested(weights, queries, keys) : [];
      // The model view draws as many heads in each layer.
      while (heads.length < (page.include_heads?.length ?? 0)) heads.push([]);
      return heads;
    }),
  }));
  return { ...page, attention };
}

/** Weights (heads, queries, keys) as lists, cut to a part of the queries and of the keys. */
function nested(
  { data, shape }: Tensor,
  queries: Shown["queries"],
  keys: Shown["keys"],
): Weights[] {
  const [heads, rows, width] = shape as [number, number, number];
  return Array.from({ length: heads }, (_, head) =>
    Array.from({ length: queries[1] - queries[0] }, (_, row) => {
      const start = (head * rows + queries[0] + row) * width;
      return Array.from(data.subarray(start + keys[0], start + keys[1]));
    }),
  );
}
