export { createToolConnections, type LiveToolConnections, type ToolConnectionsOptions } from "./tool-connections.ts";
export { fillConnect } from "./fill-connect.ts";
export { createTryOut, type TryOut } from "./try-out.ts";
