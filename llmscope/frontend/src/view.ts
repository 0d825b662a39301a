import type { AnyModel } from "@anywidget/types";
import { mount } from "./app/app";
import { keep } from "./app/keep";
import { lesson } from "./app/lesson";
import { picker } from "./app/picker";
import type { Panel } from "./panels/props";
import { PANELS } from "./panels/registry";
import { KernelSource } from "./sources/kernel";
import { withSteps } from "./sources/steps";
import { Hints } from "./store/hints";
import { followJoins } from "./store/joins";
import { Store } from "./store/store";
import type { Traits } from "./store/traits";

/** One store for each widget model, however many times the widget is on screen. */
export default () => {
  let store: Store;
  let shown: Panel;
  return {
    initialize({ model }: { model: AnyModel }) {
      const traits = model as unknown as Traits;
      store = new Store(withSteps(new KernelSource(model), model.get("_panels")), traits);
      shown = picker(() => model.get("_left") ?? {});
      const part = followJoins(traits);
      return () => {
        part();
        store.close();
      };
    },
    render({ el }: { el: HTMLElement }) {
      // In a frame what is stored may be forgotten, and hints would come back.
      const hints = parent === window ? new Hints(store) : undefined;
      const leave = mount(el, store, PANELS, shown, hints, lesson);
      const end = keep(el, store);
      return () => {
        end();
        leave();
      };
    },
  };
};
