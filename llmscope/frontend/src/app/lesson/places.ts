/** Where rings and their lines go: around what is pointed at, and where they cover least. */

const RIM = 5; // pixels between what is pointed at and the inside of its ring, where there is room
const CLOSE = -1.5; // where a letter is beside it
const BORDER = 3; // of the ring, as its style sheet has it
const AWAY = 8; // from the ring to its line
const EDGE = 6;
/** What no line covers: words, buttons, and what is open. */
const WORDS = ".lesson-words, .lesson-title, .lesson-story";
const CLEAR = ".lesson-controls, [data-clear]";
const PICTURE = ".lesson-picture";
/** Of a picture, what a line had better not cover, beside its texts. */
const DRAWN = "button, input, canvas, .panel h3, .vector-strip";
const HARD = 20; // times as bad as what is drawn
const TEXT = ".tokens"; // and thrice as bad, what all of it is about
const FAR = 0.3; // of a line, that it may cover more for being a step nearer

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

type Place = Pick<Box, "left" | "top">;

/** The ring around an element, in the coordinates of `around`: it cuts nothing beside it. */
export function ringAround(element: Element, around: DOMRect): Box | null {
  const box = element.getBoundingClientRect();
  if (box.width === 0 || !element.checkVisibility({ visibilityProperty: true })) return null;
  const [beside, above] = roomAround(element, box);
  // Rows that stand close have room within; letters have none.
  const [x, y] = [Math.max(CLOSE, beside) + BORDER, above + BORDER];
  return {
    left: box.left - around.left - x,
    top: box.top - around.top - y,
    width: box.width + 2 * x,
    height: box.height + 2 * y,
  };
}

/** How far the ring's inside may be from an element: aside, and above and below. */
function roomAround(element: Element, box: DOMRect): [beside: number, above: number] {
  let [beside, above] = [RIM, RIM];
  for (const other of element.parentElement?.children ?? []) {
    const one = other.getBoundingClientRect();
    if (other === element || one.width === 0 || one.height === 0) continue;
    const [x, y] = [
      Math.max(one.left - box.right, box.left - one.right),
      Math.max(one.top - box.bottom, box.top - one.bottom),
    ];
    if (y < 0) beside = Math.min(beside, x - BORDER);
    if (x < 0) above = Math.min(above, y - BORDER);
  }
  return [beside, Math.max(-BORDER, above)];
}

/** Where the line of each ring goes: beside it, where it covers no ring, nothing open, and least else. */
export function placedLines(
  root: HTMLElement,
  rings: readonly (Box | null)[],
  lines: readonly (HTMLElement | null)[],
): (Place | null)[] {
  const around = root.getBoundingClientRect();
  const within = ({ left, top, width, height }: DOMRect): Box => ({
    left: left - around.left,
    top: top - around.top,
    width,
    height,
  });
  const hard = rings.filter((ring) => ring !== null);
  for (const open of root.querySelectorAll(CLEAR)) hard.push(within(open.getBoundingClientRect()));
  for (const said of root.querySelectorAll(WORDS)) hard.push(...textsIn(said).map(within));
  const picture = root.querySelector(PICTURE);
  const soft = lines.some((line) => line) && picture ? drawnIn(picture).map(within) : [];
  for (const said of root.querySelectorAll(TEXT)) {
    const texts = textsIn(said).map(within);
    soft.push(...texts, ...texts);
  }
  return lines.map((line, index) => {
    if (!line) return null;
    const size = { width: line.offsetWidth, height: line.offsetHeight };
    const cost = ([place, far]: [Place, number]) =>
      [...hard].reduce((sum, box) => sum + HARD * common({ ...place, ...size }, box), 0) +
      soft.reduce((sum, box) => sum + common({ ...place, ...size }, box), 0) +
      FAR * far * size.width * size.height;
    const places = placesOf(rings[index] ?? null, size, around);
    const best = places.reduce((best, one) => (cost(one) < cost(best) ? one : best))[0];
    hard.push({ ...best, ...size });
    return best;
  });
}

/** Places around a ring, each with how far it is; without a ring, at the foot. */
function placesOf(
  ring: Box | null,
  { width, height }: Pick<Box, "width" | "height">,
  around: DOMRect,
): [place: Place, far: number][] {
  const kept = (left: number, top: number): Place => ({
    left: Math.round(Math.max(EDGE, Math.min(left, around.width - width - EDGE))),
    top: Math.round(Math.max(EDGE, Math.min(top, around.height - height - EDGE))),
  });
  if (!ring) {
    const bottom = around.height - height - EDGE;
    return [0, 0.15, 0.3, 0.5].map((share) => [
      kept((around.width - width) / 2, bottom - share * around.height),
      share,
    ]);
  }
  const [right, bottom] = [ring.left + ring.width, ring.top + ring.height];
  const found: [Place, number][] = [];
  for (const step of [0, 0.5, 1, 2]) {
    const away = AWAY + step * height;
    for (const [at, off] of [
      [0.5, 0],
      [0, 0.1],
      [1, 0.1],
    ] as const) {
      const across = ring.left + at * (ring.width - width);
      const along = ring.top + at * (ring.height - height);
      found.push(
        [kept(across, bottom + away), step + off],
        [kept(across, ring.top - away - height), step + off],
        [kept(right + away, along), step + off],
        [kept(ring.left - away - width, along), step + off],
      );
    }
    for (const aside of [0, 0.5])
      for (const top of [bottom + away, ring.top - away - height])
        found.push(
          [kept(right + AWAY + aside * width, top), step + 0.5 + aside],
          [kept(ring.left - AWAY - (1 + aside) * width, top), step + 0.5 + aside],
        );
  }
  return found;
}

/** Where texts stand in an element. */
function textsIn(element: Element): DOMRect[] {
  const found: DOMRect[] = [];
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (texts.nextNode()) {
    if (!texts.currentNode.textContent!.trim()) continue;
    range.selectNodeContents(texts.currentNode);
    found.push(...range.getClientRects());
  }
  return found;
}

/** The same, and what else is drawn. */
const drawnIn = (element: Element): DOMRect[] => [
  ...[...element.querySelectorAll(DRAWN)].map((one) => one.getBoundingClientRect()),
  ...textsIn(element),
];

/** The area that two have in common. */
const common = (one: Box, other: Box): number =>
  Math.max(
    0,
    Math.min(one.left + one.width, other.left + other.width) - Math.max(one.left, other.left),
  ) *
  Math.max(
    0,
    Math.min(one.top + one.height, other.top + other.height) - Math.max(one.top, other.top),
  );
