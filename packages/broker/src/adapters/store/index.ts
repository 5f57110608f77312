export { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from "./embedded/server.ts";
export { openStore, type Store, type StoreOptions } from "./open-store.ts";
export { type StoreContext } from "./store-context.ts";
