import { isIP } from "node:net";
import { Fault } from "../../domain/fault.ts";
import { isLoopback, isPrivateNetwork } from "../outbound/special-use.ts";

/** Where an API is reached. */
export interface HttpTarget {
  /** Already filled in. */
  readonly url: string;
  /** Its name may lead to this machine or a private network. Default false; an address that is written as such needs no leave. */
  readonly private?: boolean | undefined;
}

/** @throws Fault `tool_unavailable` when it is no address that a request may go to. */
export function readAddress(tool: string, { url: text, private: inside }: HttpTarget): URL {
  const url = URL.parse(text);
  if (url === null || !(url.protocol === "http:" || url.protocol === "https:")) throw wrong(tool, "is no http or https URL");
  if (url.username !== "" || url.password !== "") throw wrong(tool, "holds a user name or password; store it as a credential");
  if (url.search !== "" || url.hash !== "") throw wrong(tool, "has a query or fragment; write queries at the actions");
  if (url.protocol === "http:" && inside !== true && !isOwn(url))
    throw wrong(tool, "is not encrypted; write `https:`, or `private: true` for a host in your own network");
  return url;
}

function isOwn({ hostname }: URL): boolean {
  const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  return host === "localhost" || (isIP(host) !== 0 && (isLoopback(host) || isPrivateNetwork(host)));
}

function wrong(tool: string, what: string): Fault {
  return new Fault("tool_unavailable", `the address of the tool \`${tool}\` ${what}; correct it in the policy folder`);
}
