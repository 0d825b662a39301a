/** A model on a server: where it is, whether that can be reached, and the room that is followed. */

import { h, render } from "preact";
import { expect, test } from "vitest";
import { ServerFacts } from "../src/panels/header/server";
import { Model, SlowSource, openStore } from "./fakes";

function opened(values: Record<string, unknown>) {
  const model = new Model();
  Object.assign(model.values, values);
  return openStore(new SlowSource(), model);
}

function shown(store: ReturnType<typeof opened>, isBrief = false): HTMLElement {
  const place = document.createElement("div");
  render(h(ServerFacts, { store, isBrief }), place);
  return place;
}

test("a model that is here has nothing to say of a server", () => {
  expect(shown(opened({})).innerHTML).toBe("");
});

test("a server that is lost is named, and said to be tried again", () => {
  const store = opened({ _server: { address: "host:8000", stands: true }, _room: "" });
  expect(shown(store).textContent).toBe("host:8000");
  expect(shown(store).querySelector(".lost")).toBeNull();
  store.state.server.value = { address: "host:8000", stands: false };
  expect(shown(store).querySelector(".lost")!.textContent).toBe(
    "host:8000 can't be reached: trying again…",
  );
});

test("a room's name is text, and its button lets go", () => {
  const store = opened({ _server: { address: "host", stands: true }, _room: "<b>1" });
  const button = shown(store).querySelector("button")!;
  expect(button.textContent).toBe("Following <b>1 ✕");
  button.click();
  expect(store.state.room.value).toBe("");
  expect(shown(store).querySelector("button")).toBeNull();
});

test("on the stage there is what went wrong, and the room, and no address", () => {
  const store = opened({ _server: { address: "host", stands: true }, _room: "" });
  expect(shown(store, true).innerHTML).toBe("");
  store.state.room.value = "first row";
  expect(shown(store, true).textContent).toBe("Following first row ✕");
  store.state.server.value = { address: "host", stands: false };
  expect(shown(store, true).querySelector(".lost")!.textContent).toContain("can't be reached");
});
