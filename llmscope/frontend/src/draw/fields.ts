/** Fields that a person sets, as SVG: the browser draws them itself, and tells nobody how. */

export interface FieldStyle {
  /** The letters, as attributes of SVG. */
  font: string;
  ink: string;
  /** A track, and what is filled of it. */
  track: string;
  fill: string;
}

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

export const isField = (element: Element): element is Field =>
  element instanceof HTMLInputElement ||
  element instanceof HTMLSelectElement ||
  element instanceof HTMLTextAreaElement;

/** A field at its place; what is typed over a copy of the same letters is drawn by the copy. */
export function drawField(field: Field, box: DOMRect, style: FieldStyle): string {
  const middle = box.y + box.height / 2;
  if (field instanceof HTMLInputElement && field.type === "range") {
    const { min, max, value } = field;
    const share = (Number(value) - Number(min)) / (Number(max) - Number(min) || 1);
    const radius = box.height * 0.38;
    const at = box.x + radius + share * (box.width - 2 * radius);
    const line = (to: number, ink: string) =>
      `<path d="M${box.x} ${middle}H${to}" stroke="${ink}" stroke-width="${box.height * 0.2}" stroke-linecap="round"/>`;
    return (
      line(box.x + box.width, style.track) +
      line(at, style.fill) +
      `<circle cx="${at}" cy="${middle}" r="${radius}" fill="#fff" stroke="${style.fill}" stroke-width="1.5"/>`
    );
  }
  if (field instanceof HTMLInputElement && /^(checkbox|radio)$/.test(field.type))
    return `<rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" rx="2" fill="${field.checked ? style.fill : "none"}" stroke="${style.fill}"/>`;
  if (field instanceof HTMLTextAreaElement && field.previousElementSibling?.className === "copy")
    return "";
  const shown =
    field instanceof HTMLSelectElement ? field.selectedOptions[0]?.textContent : field.value;
  const first = (shown ?? "").split("\n")[0]!.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  const indent = parseFloat(getComputedStyle(field).paddingLeft) || 0;
  return `<text x="${box.x + indent}" y="${middle}" dominant-baseline="central" ${style.font} fill="${style.ink}">${first}</text>`;
}
