import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, matrix, present, reach } from "../src/index.ts";
import type { ActiveElevation, Caller, Decision, DecisionRequest, MatrixCell, Policy } from "../src/index.ts";
import { NOW } from "./support/helpdesk.ts";
import { extraRules, policyWith } from "./support/elevations.ts";
import { requests } from "./support/random-rules.ts";

const RUNS = 60;
const rank = ({ verdict }: { readonly verdict: Decision["verdict"] }): number => ["deny", "ask", "allow"].indexOf(verdict);
const UNTIL = new Date(NOW.getTime() + 1000);
const scope = fc.constantFrom([], ["tickets:*"], ["tickets:read"], ["tickets:update"]);
const given = (scopes: readonly string[]): ActiveElevation => ({ id: "elv", role: "extra", scope: scopes, until: UNTIL });
const as = (request: DecisionRequest, elevations: Caller["elevations"]): DecisionRequest => ({
  ...request,
  caller: { ...request.caller, elevations },
});
/** A decision without what names the policy or the right. */
function said({ verdict, scope, effect, rules, grants, approve, limits, maxRecords, amounts, refusal }: Decision): object {
  return { verdict, scope, effect, rules, grants, approve, limits, maxRecords, amounts, code: refusal?.code };
}
const covers = (scopes: readonly string[], decision: Decision): boolean =>
  scopes.length === 0 || scopes.includes("tickets:*") || scopes.includes(decision.scope);

function cellOf(policy: Policy, { caller, operation }: DecisionRequest): MatrixCell {
  const [row] = matrix(policy, { agents: [caller.agent] }).rows;
  const found = row?.cells.find((cell) => cell.operation.name === operation.name);
  if (found === undefined) throw new Error("the folder knows the action");
  return found;
}

describe("for any rules, an elevated decision", () => {
  it("is what the agent would get with the role within the scope, and without it elsewhere", () => {
    fc.assert(
      fc.property(extraRules, requests, scope, (set, asked, scopes) => {
        const [eligible, held] = [policyWith(set, "eligible"), policyWith(set, "held")];
        fc.pre(eligible !== undefined && held !== undefined);
        for (const { asked: request, body } of asked) {
          const elevated = as(request, [given(scopes)]);
          const decision = decide(eligible, elevated);
          const within = covers(scopes, decision);
          const other = within ? decide(held, request) : decide(eligible, request);
          expect(said(decision)).toEqual(said(other));
          if (decision.verdict === "deny") continue;
          expect(present(eligible, elevated, decision, body, "Ticket")).toEqual(
            present(within ? held : eligible, request, other, body, "Ticket"),
          );
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("is as without the elevation once that has ended, or was never to a role the agent may ask for", () => {
    fc.assert(
      fc.property(extraRules, requests, (set, asked) => {
        const [eligible, neither] = [policyWith(set, "eligible"), policyWith(set, "neither")];
        fc.pre(eligible !== undefined && neither !== undefined);
        for (const { asked: request } of asked) {
          const ended = as({ ...request, now: UNTIL }, [given([])]);
          expect(decide(eligible, ended)).toEqual(decide(eligible, as(ended, undefined)));
          expect(decide(neither, as(request, [given([])]))).toEqual(decide(neither, request));
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("is never better without the elevation, when nothing is denied to its role or asked of it", () => {
    fc.assert(
      fc.property(extraRules, requests, scope, (set, asked, scopes) => {
        const policy = policyWith({ ...set, extra: { ...set.extra, denies: [] }, asking: { grants: [], denies: [] } }, "eligible");
        fc.pre(policy !== undefined);
        for (const { asked: request } of asked)
          expect(rank(decide(policy, request))).toBeLessThanOrEqual(rank(decide(policy, as(request, [given(scopes)]))));
      }),
      { numRuns: RUNS },
    );
  });

  it("names its elevation exactly when it would be another without", () => {
    fc.assert(
      fc.property(extraRules, requests, (set, asked) => {
        const policy = policyWith(set, "eligible");
        fc.pre(policy !== undefined);
        for (const { asked: request } of asked) {
          const [decision, plain] = [decide(policy, as(request, [given([])])), decide(policy, request)];
          const demands = ({ verdict, grants, approve, limits, maxRecords }: Decision) => [verdict, grants, approve, limits, maxRecords];
          const same = JSON.stringify(demands(decision)) === JSON.stringify(demands(plain));
          expect(decision.elevations).toEqual(decision.verdict === "deny" || same ? undefined : ["elv"]);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("is offered in a refusal exactly when it would be no refusal", () => {
    const codes = ["no_grant", "row_not_permitted", "field_not_permitted"];
    fc.assert(
      fc.property(extraRules, requests, (set, asked) => {
        const policy = policyWith(set, "eligible");
        fc.pre(policy !== undefined);
        for (const { asked: request } of asked) {
          const { refusal } = decide(policy, request);
          if (refusal === undefined) continue;
          const offered = refusal.next.some(({ kind }) => kind === "request_elevation");
          const helps = codes.includes(refusal.code) && decide(policy, as(request, [given([])])).verdict !== "deny";
          expect(offered).toBe(helps);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("is within what the session can reach, and no better than the matrix says of the role", () => {
    fc.assert(
      fc.property(extraRules, requests, scope, (set, asked, scopes) => {
        const policy = policyWith(set, "eligible");
        fc.pre(policy !== undefined);
        for (const { asked: request } of asked) {
          const elevated = as(request, [given(scopes)]);
          const decision = decide(policy, elevated);
          const reached = reach(policy, elevated.caller, request.operation);
          if (reached === "never") expect(decision.verdict).toBe("deny");
          if (reached === "always") expect(decision.refusal?.code ?? "records_exceeded").toBe("records_exceeded");
          const { verdict, elevations } = cellOf(policy, request);
          const most = Math.max(rank({ verdict }), ...elevations.map((one) => rank(one)));
          expect(rank(decision)).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: RUNS },
    );
  });
});
