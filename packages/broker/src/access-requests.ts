import {
  ACCESS_REQUEST_DRAFTS,
  type AccessRequestPorts,
  type AccessRequests,
  createAccessRequests,
} from "./adapters/authzen/access-requests.ts";

/** Which draft of AuthZEN's access requests agents may speak; unset: none. */
const SETTING = "BAILIWICK_AUTHZEN_ACCESS_REQUESTS";

type Front = Pick<AccessRequests, "owns" | "handle">;

/**
 * The agents' OAuth side, with access requests beside it when a draft of them is switched on. A draft changes, so it is never spoken unasked.
 * @throws Error when the setting names a draft that this version does not speak.
 */
export function withAccessRequests(oauth: Front, ports: AccessRequestPorts, environment: (name: string) => string | undefined): Front {
  const draft = environment(SETTING);
  if (draft === undefined || draft === "") return oauth;
  if (!ACCESS_REQUEST_DRAFTS.some((known) => known === draft)) {
    throw new Error(
      `\`${SETTING}\` names \`${draft}\`, which this version does not speak; set it to ${ACCESS_REQUEST_DRAFTS.map((each) => `\`${each}\``).join(" or ")}, or leave it out`,
    );
  }
  const requests = createAccessRequests(ports);
  const of = (path: string): Front => (requests.owns(path) ? requests : oauth);
  return {
    owns: (path) => of(path).owns(path),
    handle: (req, res) => of((req.url ?? "").split("?", 1)[0] ?? "").handle(req, res),
  };
}
