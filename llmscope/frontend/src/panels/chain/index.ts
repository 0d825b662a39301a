import { chain as words } from "#words/chain";
import type { Panel } from "../props";
import css from "./chain.css";
import { Chain } from "./panel";

export const chain: Panel = {
  name: "chain",
  component: Chain,
  css,
  place: "row",
  subjects: [
    {
      title: words.title,
      isWide: true,
      isThere: ({ model }) => ["causal", "encoder-decoder"].includes(model.value!.family),
    },
  ],
};
