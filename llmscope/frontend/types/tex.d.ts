/** Formulas are imported as MathML by name; see `formulas` in build.mjs. */
declare module "*.tex" {
  const formulas: Record<string, string>;
  export default formulas;
}
