import { Agent, request } from "undici";
import { AnchorFault } from "../../domain/anchor.ts";

/** From name resolution to the last byte. */
const TIMEOUT_MS = 10_000;
/** A checkpoint with all its cosignatures has a few kilobytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface Asked {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answered {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** One request to an address from `log.yaml`; follows no redirect. @throws AnchorFault `unreachable` */
export async function boundedRequest({ method, url, headers = {}, body }: Asked): Promise<Answered> {
  const agent = new Agent({
    connections: 1,
    connect: { timeout: TIMEOUT_MS },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    maxResponseSize: MAX_ANSWER_BYTES,
  });
  try {
    const answer = await request(url, { dispatcher: agent, method, headers, body: body ?? null, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await answer.body.arrayBuffer());
    return { status: answer.statusCode, type: String(answer.headers["content-type"] ?? ""), text };
  } catch (error) {
    const host = URL.parse(url)?.host ?? "its address";
    throw new AnchorFault("unreachable", `\`${host}\` did not answer as it should; check that it runs and can be reached from here`, {
      cause: error,
    });
  } finally {
    await agent.destroy();
  }
}
