type Widened<T> = T extends string ? string : { readonly [K in keyof T]: Widened<T[K]> };

/** The rooms of a language, with their entries in its own words. */
export type Words = Widened<typeof import("./en")>;
