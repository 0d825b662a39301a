import type { Store } from "../../store/store";
import { header as words } from "#words/header";
import { fill } from "../../words/fill";

interface Props {
  store: Store;
  /** Whether a server is named only while it is lost. */
  isBrief?: boolean;
}

/** Where the model is, if it is on a server, and the room that is followed there. */
export function ServerFacts({ store, isBrief }: Props) {
  const { server, room } = store.state;
  const { address, stands } = server.value ?? {};
  if (!address || (isBrief && stands && !room.value)) return null;
  return (
    <span class="there">
      {!(isBrief && stands) && (
        <span class={`server ${stands ? "muted" : "lost"}`} role="status" title={words.serverTitle}>
          {stands ? address : fill(words.reconnecting, { address })}
        </span>
      )}
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
