// What each view of the benchmark looks like: when it is there, and what a person does with it.
//
// `ready` says that a first usable picture is in the page. `canvases` are those that go on filling
// after it. A gesture has the event that it starts `on`, where it is made (`at`: an element and the
// share of its width and height) or what is done (`act`), and when it is `done`; a view that draws
// within the event needs none.
(() => {
  const some = (selector) => document.querySelector(selector) !== null;
  const pick = (items, count) => items[count % items.length];
  /** Places spread over an area, the same in every run. */
  const spread = (count) => [(count * 0.618 + 0.31) % 1, (count * 0.414 + 0.17) % 1];

  const ours = {
    canvas: (panel) => bench.all(`.${panel} canvas`),
    title: () => bench.all(".attention h3")[0].textContent,
    said: () => bench.all(".attention .readout")[0].textContent,
    drawn: (since) => ours.canvas("attention").some((canvas) => canvas.pictured > since),
    // The middle of a head, by the numbers beside the grid; not the one in focus (layer 24).
    head: (count) => {
      const numbers = bench.all(".overview svg.numbers")[0];
      const places = (anchor, side, every) =>
        [...numbers.querySelectorAll(`[text-anchor=${anchor}]`)]
          .filter((text) => Number(text.textContent) % every === 0)
          .map((text) => Number(text.getAttribute(side)));
      const x = pick(places("middle", "x", 1), 4 * count + 2);
      const y = pick(places("end", "y", 5), count);
      return [numbers, x / numbers.clientWidth, y / numbers.clientHeight];
    },
    switched: (since, was) => ours.title() !== was && ours.drawn(since),
  };

  const circuits = {
    canvases: () => [...document.querySelectorAll("[id^=circuits-vis] canvas")],
    zoomed: () => circuits.canvases().at(-1),
    // Every weight is filled, the masked ones in grey.
    filled: (canvas) => {
      const [x, y] = [Math.floor(0.75 * canvas.width), Math.floor(0.25 * canvas.height)];
      return x > 0 && y > 0 && canvas.getContext("2d").getImageData(x, y, 1, 1).data[3] > 0;
    },
    drawn: (since) => circuits.zoomed().cleared > since,
  };

  bench.viewers = {
    llmscope: {
      ready: () => ours.canvas("attention").some((canvas) => canvas.pictured),
      canvases: () => ours.canvas("overview"),
      gestures: {
        "point at another head": {
          on: "pointermove",
          at: ours.head,
          before: ours.title,
          done: ours.switched,
        },
        "arrow key to another head": {
          on: "keydown",
          key: (count) => (count % 30 < 15 ? "ArrowUp" : "ArrowDown"),
          focus: () => bench.all(".overview [role=application]")[0].focus(),
          before: ours.title,
          done: ours.switched,
        },
        "hover a token": {
          on: "pointermove",
          at: (count) => {
            const [across, down] = spread(count);
            return [bench.all(".attention .cells")[0], across * down, down];
          },
          before: ours.said,
          done: (_, was) => ours.said() !== was && !ours.said().includes("…"),
        },
      },
    },

    "bertviz head_view": {
      ready: () => some("[id^=bertviz] #attention line"),
      gestures: {
        "choose another layer": {
          act: (count) => {
            const select = document.querySelector("[id^=bertviz] select#layer");
            select.selectedIndex = (count + 1) % select.options.length;
            select.dispatchEvent(new Event("change", { bubbles: true }));
          },
        },
        "switch a head off or on": {
          on: "click",
          at: (count) => [
            pick(document.querySelectorAll("[id^=bertviz] svg > g:last-of-type > rect"), count),
            0.5,
            0.5,
          ],
        },
        "hover a token": {
          on: "mouseover",
          at: (count) => [
            pick(document.querySelectorAll("[id^=bertviz] #left text"), 7 * count + 3),
            0.5,
            0.5,
          ],
        },
      },
    },

    "bertviz model_view": {
      ready: () => some("[id^=bertviz] svg line"),
      gestures: {
        "open another head": {
          on: "click",
          at: (count) => [
            pick(document.querySelectorAll("[id^=bertviz] .attn_background"), 31 * count + 5),
            0.5,
            0.5,
          ],
        },
        "hover a token": {
          on: "mouseover",
          at: (count) => {
            const tokens = [...document.querySelectorAll("[id^=bertviz] text.token")];
            return [pick(tokens.slice(0, tokens.length / 2), 7 * count + 3), 0.5, 0.5];
          },
        },
      },
    },

    CircuitsVis: {
      ready: () => circuits.canvases().length > 1 && circuits.canvases().every(circuits.filled),
      gestures: {
        "point at another head": {
          on: "mouseover",
          at: (count) => [pick(circuits.canvases().slice(1, -1), count), 0.5, 0.5],
          done: circuits.drawn,
        },
        "hover a token": {
          on: "mousemove",
          at: (count) => {
            const [across, down] = spread(count);
            return [circuits.zoomed(), 0.2 + 0.75 * across * down, 0.05 + 0.75 * down];
          },
          done: circuits.drawn,
        },
      },
    },
  };
})();
