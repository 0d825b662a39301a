/** As `Intl` calls it. */
export const language = "en";
