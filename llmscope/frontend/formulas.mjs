import temml from "temml";

/** Formulas of a .tex file (`name = formula`, % comments) as MathML by name. */
export function toMathML(text) {
  const lines = text.split("\n").filter((line) => line.trim() && !line.startsWith("%"));
  return Object.fromEntries(
    lines.map((line) => {
      const [name, formula] = line.split(/ = (.*)/s);
      return [name, temml.renderToString(`\\displaystyle ${formula}`, { throwOnError: true })];
    }),
  );
}
