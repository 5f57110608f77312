export { startEmbedded } from "../../../packages/broker/src/adapters/store/embedded/server.ts";
