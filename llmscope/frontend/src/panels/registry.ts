/** All panels, each registered by the index of its folder. */

import { attention } from "./attention";
import { became } from "./became";
import { chain } from "./chain";
import { evaluation } from "./evaluation";
import { generation } from "./generation";
import { headSteps } from "./head-steps";
import { header } from "./header";
import { lens } from "./lens";
import { lensSteps } from "./lens-steps";
import { model } from "./model";
import { nextToken } from "./next-token";
import { overview } from "./overview";
import { patching } from "./patching";
import type { Panel } from "./props";
import { stream } from "./stream";
import { survey } from "./survey";
import { texts } from "./texts";
import { tokenizers } from "./tokenizers";
import { tokens } from "./tokens";
import { training } from "./training";

export const PANELS: readonly Panel[] = [
  header,
  generation,
  training,
  texts,
  tokens,
  chain,
  model,
  overview,
  attention,
  lens,
  nextToken,
  patching,
  survey,
  tokenizers,
  evaluation,
  stream,
  became,
  headSteps,
  lensSteps,
];
