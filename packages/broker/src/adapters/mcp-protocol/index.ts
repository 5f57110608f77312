export * from "./versions.ts";
export * from "./names.ts";
export * from "./errors.ts";
export * from "./json-rpc.ts";
export * from "./sse.ts";
export * from "./routing.ts";
