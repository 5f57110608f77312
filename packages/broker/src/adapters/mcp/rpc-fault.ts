import type { Json } from "@bailiwick/policy";

/** Thrown to answer one JSON-RPC request with an error; `status` is the HTTP status when nothing was sent yet. */
export class RpcFault extends Error {
  override readonly name = "RpcFault";
  readonly code: number;
  readonly status: number;
  readonly data: Json | undefined;
  constructor(code: number, message: string, facts: { readonly status?: number; readonly data?: Json } = {}) {
    super(message);
    this.code = code;
    this.status = facts.status ?? 200;
    this.data = facts.data;
  }
}
