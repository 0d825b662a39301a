import { model } from "./names";

export const header = {
  status: {
    disconnected: "disconnected",
    problem: "problem",
    busy: "busy",
    ready: "ready",
  },
  layers: { one: "{count} layer", other: "{count} layers" },
  size: "{layers} × {heads}",
  sizeOfGroups: "{layers} × {heads}, {groups} KV groups",
  megabytes: "{count} MB",
  cache: "cache {size}",
  cacheTitle:
    "Keys and values of recent texts, so that an edit costs only what it changes; at most {size} (scope.cache_limit)",
  serverTitle: "The server that the model is on",
  reconnecting: "{address} can't be reached: trying again…",
  following: "Following {room} ✕",
  unfollowTitle: "Go your own way: what is shown stays",
  perplexity: "perplexity {value}",
  perplexityTitle: "Show or hide the chain rule, of which it is made",
  model,
  modelTitle: "Show or hide the whole model as one picture",
  lecture: "A⁺ Lecture",
  lectureTitle: "A stage for a projector: large type, one thing at a time",

  share: "Share",
  savePage: "Save as page",
  saved: "Saved ✓",
  copyPython: "Copy Python",
  /** Of an exported page. */
  copyAddress: "Copy address",
} as const;
