export { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from "./embedded/server.ts";
export { openStore, type Store, type StoreContext, type StoreOptions } from "./open-store.ts";
