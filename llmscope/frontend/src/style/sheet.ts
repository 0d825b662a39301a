/** All style sheets as one text, for the shadow root. */

import base from "./base.css";
import header from "./header.css";
import tokens from "./tokens.css";
import columns from "./columns.css";
import attention from "./attention.css";
import segmented from "./segmented.css";
import steps from "./steps.css";
import generation from "./generation.css";
import lens from "./lens.css";
import nextToken from "./next-token.css";
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
