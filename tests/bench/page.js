// In every page of the attention benchmark, before the page's own scripts: what arrives, what is
// drawn, and when it is on screen. `bench` is all that the benchmark asks; viewers.js adds what each
// view looks like.
(() => {
  const bench = { bytes: 0 };
  window.bench = bench;

  const Original = window.WebSocket;
  window.WebSocket = class extends Original {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => {
        bench.bytes += data.byteLength ?? data.size ?? data.length;
      });
    }
  };

  // When each canvas was cleared last, and when it got a picture. No call is watched that is made
  // once for each weight: that would slow the drawing down.
  const watched = { clearRect: "cleared", drawImage: "pictured", putImageData: "pictured" };
  const canvas = CanvasRenderingContext2D.prototype;
  for (const [name, mark] of Object.entries(watched)) {
    const original = canvas[name];
    canvas[name] = function (...args) {
      this.canvas[mark] = performance.now();
      return original.apply(this, args);
    };
  }

  const frame = () => new Promise(requestAnimationFrame);

  /** Resolves to the time at which the frame that is being made has been painted. */
  const painted = () =>
    new Promise((resolve) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => resolve(performance.now());
      channel.port2.postMessage(0);
    });

  /** The time at which the first frame was painted of which `ready` is true. */
  const until = async (ready) => {
    do {
      await frame();
      const error = document.querySelector('[data-mime-type="application/vnd.jupyter.error"]');
      if (error) throw new Error(error.textContent.trim().split("\n").at(-1));
    } while (!ready());
    return painted();
  };

  /** The time of the last painted change, once nothing was drawn and nothing came for a while. */
  const end = async (canvases, quiet) => {
    let [drawn, bytes, last, since] = ["", 0, 0, 0];
    do {
      await frame();
      const times = canvases()
        .map((canvas) => canvas.pictured)
        .join();
      if (times !== drawn || bytes !== bench.bytes) since = performance.now();
      if (times !== drawn) last = await painted();
      [drawn, bytes] = [times, bench.bytes];
    } while (performance.now() - since < quiet);
    return last;
  };

  /** All elements in cell outputs that match, those in shadow roots of widgets too. */
  bench.all = (selector) =>
    [...document.querySelectorAll(".jp-OutputArea")].flatMap((area) => [
      ...area.querySelectorAll(selector),
      ...[...area.querySelectorAll("*")]
        .filter((element) => element.shadowRoot)
        .flatMap((element) => [...element.shadowRoot.querySelectorAll(selector)]),
    ]);

  /** To be called when a view's cell is about to run. */
  bench.start = (name) => {
    const view = (bench.view = bench.viewers[name]);
    const [began, before] = [performance.now(), bench.bytes];
    const tell = (time) => ({ ms: time - began, bytes: bench.bytes - before });
    bench.first = until(view.ready).then(tell);
    bench.whole = bench.first.then((first) =>
      view.canvases ? end(view.canvases, 5000).then(tell) : first,
    );
    bench.whole.catch(() => {}); // told by bench.first
  };

  /** Brings what a gesture points at into sight; tells where that is, and what is to be done. */
  bench.aim = async (gesture, count) => {
    const { on, at, key } = bench.view.gestures[gesture];
    if (!at) return { key: key?.(count) };
    const [element, across, down] = at(count);
    const middle = () => {
      const box = element.getBoundingClientRect();
      return { x: box.left + across * box.width, y: box.top + down * box.height };
    };
    const host = element.getRootNode().host ?? element;
    const scroller = host.closest(".jp-WindowedPanel-outer");
    const room = scroller.getBoundingClientRect();
    const off = middle().y - (room.top + room.height / 2);
    if (Math.abs(off) > room.height / 2 - 60) scroller.scrollBy(0, off);
    await frame();
    await frame();
    return { ...middle(), click: on === "click" };
  };

  /** From the event of the next gesture to the painted frame that shows what it asked for. */
  bench.arm = (gesture, count) => {
    const { on, act, before, done, focus } = bench.view.gestures[gesture];
    focus?.();
    const was = before?.();
    const from = async (time) => (await until(() => done?.(time, was) ?? true)) - time;
    if (act) {
      const time = performance.now();
      act(count);
      bench.result = from(time);
      return;
    }
    bench.result = new Promise((resolve) => {
      const hear = (event) => resolve(from(event.timeStamp));
      addEventListener(on, hear, { capture: true, once: true });
    });
  };
})();
