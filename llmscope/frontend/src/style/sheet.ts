/** All style sheets as one text, for the shadow root. */

import base from "./base.css";
import header from "./header.css";
import tokens from "./tokens.css";
import columns from "./columns.css";
import attention from "./attention.css";
import nextToken from "./next-token.css";
import picker from "./picker.css";

export const sheet = [base, header, tokens, columns, attention, nextToken, picker].join("\n");
