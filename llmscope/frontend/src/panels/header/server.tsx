import type { Store } from "../../store/store";
import { header as words } from "#words/header";
import { fill } from "../../words/fill";

/** Where the model is, if it is on a server, and the room that is followed there. */
export function ServerFacts({ store }: { store: Store }) {
  const { server, room } = store.state;
  const { address, stands } = server.value ?? {};
  if (!address) return null;
  return (
    <span class="there">
      <span class={`server ${stands ? "muted" : "lost"}`} role="status" title={words.serverTitle}>
        {stands ? address : fill(words.reconnecting, { address })}
      </span>
      {room.value && (
        <button
          type="button"
          class="quiet"
          title={words.unfollowTitle}
          onClick={() => (room.value = "")}
        >
          {fill(words.following, { room: room.value })}
        </button>
      )}
    </span>
  );
}
