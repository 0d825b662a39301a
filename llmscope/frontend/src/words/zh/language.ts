/** As `Intl` calls it. */
export const language = "zh-CN";
