/** All style sheets as one text, for the shadow root. */

import base from "../ui/base.css";
import header from "../panels/header/header.css";
import tokens from "../panels/tokens/tokens.css";
import columns from "./columns.css";
import attention from "../panels/attention/attention.css";
import segmented from "../ui/ui.css";
import steps from "../panels/attention/steps/steps.css";
import generation from "../panels/generation/generation.css";
import lens from "../panels/lens/lens.css";
import nextToken from "../panels/next-token/next-token.css";
import picker from "./picker.css";

export const sheet = [
  base,
  header,
  tokens,
  columns,
  segmented,
  attention,
  steps,
  lens,
  generation,
  nextToken,
  LIVE ? picker : "",
].join("\n");
