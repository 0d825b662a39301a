/** A program as a function of a catalogue; see `programs` in words.mjs. */
declare module "program:./view" {
  const make: (words: import("../src/words").Words) => typeof import("../src/view").default;
  export default make;
}
