import type { Socket } from "node:net";
import type { OpenLine } from "../../domain/tool.ts";

/** A line as the tool hands it to the proxy. */
export class DialedLine implements OpenLine {
  readonly host: string;
  readonly port: number;
  readonly socket: Socket;
  /** Ends the line: the session was ended, the agent is gone, or the broker stops. */
  readonly signal: AbortSignal;
  readonly maxMs: number;

  constructor(to: { readonly host: string; readonly port: number }, socket: Socket, signal: AbortSignal, maxMs: number) {
    this.host = to.host;
    this.port = to.port;
    this.socket = socket;
    this.signal = signal;
    this.maxMs = maxMs;
  }
}
