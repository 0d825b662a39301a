/** Whether a text has columns to keep: several lines, one of them indented by a tab or by two spaces. */
export const isCode = (text: string): boolean =>
  text.includes("\n") && /^(?:\t| {2})[\t ]*\S/m.test(text);
