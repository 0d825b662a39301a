declare module "*/formulas.mjs" {
  export function toMathML(text: string): Record<string, string>;
}
