import type { Words } from ".";
import * as en from "./en";
import * as zh from "./zh";

/** All languages, by the names of their folders. */
export const languages: Readonly<Record<string, Words>> = { en, zh };
