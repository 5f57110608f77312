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

  /** The same line, for no longer than this, and ended by this signal too. */
  within(ms: number, signal: AbortSignal): DialedLine {
    return new DialedLine(this, this.socket, AbortSignal.any([this.signal, signal]), Math.min(this.maxMs, ms));
  }
}
