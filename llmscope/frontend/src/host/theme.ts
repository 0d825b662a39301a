export type Theme = "light" | "dark";

const WATCHED = [
  "data-jp-theme-light",
  "data-jp-theme-name",
  "data-theme",
  "data-vscode-theme-kind",
  "class",
  "style",
];

const DARK = "(prefers-color-scheme: dark)";
const FORCED = "(forced-colors: active)";

/** Calls back with the theme of the page around `el`, now and whenever it changes. */
export function followTheme(el: HTMLElement, found: (theme: Theme) => void): () => void {
  const { documentElement, body } = el.ownerDocument;
  const look = () => found(themeAround(el));
  const observer = new MutationObserver(look);
  for (const node of [documentElement, body]) {
    observer.observe(node, { attributes: true, attributeFilter: WATCHED });
  }
  const system = matchMedia(DARK);
  const forced = matchMedia(FORCED);
  for (const media of [system, forced]) media.addEventListener("change", look);
  look();
  return () => {
    observer.disconnect();
    for (const media of [system, forced]) media.removeEventListener("change", look);
  };
}

function themeAround(el: HTMLElement): Theme {
  const bySystem = () => (matchMedia(DARK).matches ? "dark" : "light");
  // The person's own palette, which the page around has to follow, too.
  if (matchMedia(FORCED).matches) return bySystem();
  const { documentElement, body } = el.ownerDocument;
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter) return jupyter === "false" ? "dark" : "light";
  const named = documentElement.dataset.theme ?? body.dataset.theme;
  if (named === "dark" || named === "light") return named;
  // "vscode-dark", "vscode-light", and high contrast of either.
  const editor = body.dataset.vscodeThemeKind;
  if (editor) return editor.endsWith("light") ? "light" : "dark";
  const ground = groundOf(el);
  if (ground) return ground;
  return bySystem();
}

/** Dark or light by the first opaque background around `el`. */
function groundOf(el: HTMLElement): Theme | undefined {
  for (let node: HTMLElement | null = el; node; node = node.parentElement) {
    const [r, g, b, a] = painted(getComputedStyle(node).backgroundColor);
    if (a! < 128) continue;
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! < 128 ? "dark" : "light";
  }
  return undefined;
}

/** Red, green, blue and opacity, 0 to 255, of any colour that the browser can paint. */
function painted(color: string): Uint8ClampedArray {
  const pen = new OffscreenCanvas(1, 1).getContext("2d")!;
  pen.fillStyle = color;
  pen.fillRect(0, 0, 1, 1);
  return pen.getImageData(0, 0, 1, 1).data;
}
