import type { AnyModel } from "@anywidget/types";
import { chosen } from "./words/chosen";
import { languages } from "./words/languages";
import program from "program:./view";

type Make = ReturnType<typeof program>;
const made = new Map<string, Make>();

/** The program in a language: made once, as it holds words wherever it uses them. */
function programIn(language: string): Make {
  const found = made.get(language) ?? program(languages[language]!);
  made.set(language, found);
  return found;
}

/** One view for each widget model, in the language that it is set to, or that the page is in. */
export default () => {
  const shown = new Map<HTMLElement, () => void>();
  let view: ReturnType<Make>;
  return {
    initialize({ model }: { model: AnyModel }) {
      let end: () => void;
      const begin = () => {
        const language = chosen(
          Object.keys(languages),
          model.get("lang"),
          document.documentElement.lang,
        );
        view = programIn(language)();
        end = view.initialize({ model });
        if (model.get("_spoken") === language) return;
        model.set("_spoken", language);
        model.save_changes();
      };
      const again = () => {
        for (const leave of shown.values()) leave();
        end();
        begin();
        for (const el of shown.keys()) shown.set(el, view.render({ el }));
      };
      begin();
      model.on("change:lang", again);
      return () => {
        model.off("change:lang", again);
        end();
      };
    },
    render({ el }: { el: HTMLElement }) {
      shown.set(el, view.render({ el }));
      return () => {
        shown.get(el)!();
        shown.delete(el);
      };
    },
  };
};
