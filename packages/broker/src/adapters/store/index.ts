export { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from "./embedded/server.ts";
export { applyRetention } from "./retention/apply-retention.ts";
export { openStore, type Store, type StoreOptions } from "./open-store.ts";
export { type StoreContext } from "./store-context.ts";
