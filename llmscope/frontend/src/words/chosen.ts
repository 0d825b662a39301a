/** Which language is spoken: the first of these tags, such as "zh-CN", that there is a language for; else English. */
export function chosen(
  languages: readonly string[],
  ...tags: readonly (string | null | undefined)[]
): string {
  for (const tag of tags) {
    const [base] = (tag ?? "").toLowerCase().split(/[-_]/);
    if (base && languages.includes(base)) return base;
  }
  return "en";
}
