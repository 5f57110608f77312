export { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from "./embedded/server.ts";
export { openStore, type RevokedSession, type Store, type StoreContext, type StoreOptions } from "./open-store.ts";
