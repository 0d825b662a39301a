/**
 * Who writes a view into the notebook: the element around it that says so, of the extension of JupyterLab
 * (`lab/`), which writes what is shown into the notebook and can run the cells again.
 */

/** The attribute of that element. */
export const KEEPS = "data-llmscope-keeps";

/** A view tells what it shows: an event with a `Kept`. */
export const KEEP = "llmscope-keep";

/** A person wants the view back: the cells up to it are to be run. */
export const RUN = "llmscope-run";

/** What is kept of a view beside the picture and the words that any host can show. */
export interface Kept {
  /** Names what is shown; the same names the same. */
  state?: string;
  /** The view as a page of its own. */
  page?: string;
}

/** What a view tells. */
export interface Shown extends Kept {
  words: string;
  /** A PNG, in base64. */
  picture?: string;
}

/** Whether somebody keeps the view in `el`. */
export const isKept = (el: Element): boolean => el.closest(`[${KEEPS}]`) !== null;

/** Tells whoever keeps the view in `el`. */
export const tell = (el: Element, event: string, detail?: Shown): void => {
  el.dispatchEvent(new CustomEvent(event, { bubbles: true, composed: true, detail }));
};
