import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ExportFormat } from "../../src/domain/export.ts";
import { formatRecord } from "../../src/insight/export/formats.ts";
import type { OcsfVersion } from "./ocsf-facts.ts";
import { ocsfFaults } from "./ocsf-validator.ts";
import { ADA, ADMIN_RECORDS, AGENT, AT, BOB, CALL_RECORDS, DECIDED, everyRecord, SOURCE, stored } from "./samples.ts";

const FORMATS: readonly (readonly [ExportFormat, OcsfVersion])[] = [
  ["ocsf@1.6.0", "1.6.0"],
  ["ocsf", "1.8.0"],
  ["ocsf@1.9.0", "1.9.0"],
];

type Event = Readonly<Record<string, unknown>>;

function event(format: ExportFormat, record: Parameters<typeof formatRecord>[1]): Event {
  const value: Event = JSON.parse(formatRecord(format, record, SOURCE));
  return value;
}

function call(name: keyof typeof CALL_RECORDS, format: ExportFormat = "ocsf"): Event {
  const [kind, leaf] = CALL_RECORDS[name] ?? ["intent", DECIDED];
  return event(format, stored(7, kind, leaf, { [ADA]: "ada@acme.example" }));
}

function admin(name: keyof typeof ADMIN_RECORDS, format: ExportFormat = "ocsf"): Event {
  return event(
    format,
    stored(8, "admin", { v: 1, kind: "admin", at: AT, tenant: "acme", call: "adm_1", event: name, ...ADMIN_RECORDS[name] }),
  );
}

describe.each(FORMATS)("%s", (format, version) => {
  test("every kind of record is valid under the schema", () => {
    const faults = everyRecord().flatMap((record) => ocsfFaults(event(format, record), version).map((fault) => `${record.text}: ${fault}`));
    expect(faults).toEqual([]);
  });

  test("an admin record with any event and any members is valid under the schema", () => {
    const name = fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[a-z_]{1,12}$/)).map((parts) => parts.join("."));
    const member = fc.constantFrom(
      "by",
      "agent",
      "user",
      "person",
      "session",
      "scope",
      "task",
      "status",
      "code",
      "durationMs",
      "rules",
      "resource",
      "name",
    );
    fc.assert(
      fc.property(
        fc.oneof(name, fc.constantFrom(...Object.keys(ADMIN_RECORDS)), fc.string()),
        fc.dictionary(member, fc.jsonValue()),
        (what, more) => {
          const body = JSON.parse(JSON.stringify({ ...more, v: 1, event: what }));
          expect(ocsfFaults(event(format, stored(1, "admin", body)), version)).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("what a record becomes", () => {
  test("a permitted call is API Activity, allowed, with the rules that allowed it", () => {
    expect(call("intent")).toMatchObject({
      class_uid: 6003,
      type_uid: 600_303,
      action_id: 1,
      disposition_id: 1,
      metadata: {
        uid: "acme/7",
        tenant_uid: "acme",
        correlation_uid: "call_1",
        sequence: 7,
        profiles: ["security_control", "ai_operation", "trace"],
      },
      actor: { user: { uid: ADA, name: "ada@acme.example" }, session: { uid: "ses_1" }, app_uid: AGENT, app_name: "triage" },
      api: { operation: "close_ticket", service: { name: "helpdesk" }, request: { uid: "call_1" } },
      authorizations: [{ decision: "allow", policy: { name: "close-own", type: "grant", uid: "grants/support.yaml:12" } }],
      resources: [{ type: "Ticket", uid: "RRRRRRRRRRRRRRRRRRRRRR" }],
      trace: { uid: "0af7651916cd43dd8448eb211c80319c" },
    });
  });

  test.each([
    ["intent after an approval", 1, 8, 1],
    ["lookup", 3, 17, 1],
    ["hold", 99, 14, 99],
    ["refusal", 2, 2, 2],
    ["refusal of nobody known", 2, 26, 2],
    ["succeeded", 1, 1, 1],
    ["succeeded with a mask", 4, 1, 1],
    ["failed", 1, 1, 2],
    ["not sent", 2, 27, 2],
    ["withheld", 4, 2, 2],
  ])("%s has action %i, disposition %i and status %i", (name, action, disposition, status) => {
    expect(call(name)).toMatchObject({ action_id: action, disposition_id: disposition, status_id: status });
  });

  test.each([
    ["session.create", 3003, 1],
    ["oauth.consent", 3003, 1],
    ["policy.activate", 3004, 10],
    ["stop.put", 3004, 12],
    ["stop.lift", 3004, 13],
    ["credential.revoke", 3004, 4],
    ["subject.erase", 3004, 4],
    ["resource.erase", 3004, 4],
    ["hold.put", 3004, 1],
    ["hold.lift", 3004, 4],
    ["sign_in.recovery_refused", 3002, 1],
    ["person.signed_in", 3002, 1],
    ["person.passkey_added", 3001, 10],
    ["log.read", 6003, 2],
    ["token.replay", 2004, 1],
    ["agent.shared_key", 2004, 1],
    ["log.was_unavailable", 2004, 1],
    ["anchor.conflict", 2004, 1],
  ] as const)("%s is class %i, activity %i", (name, classUid, activity) => {
    expect(admin(name)).toMatchObject({ class_uid: classUid, activity_id: activity });
  });

  test("what was not granted is a failure", () => {
    expect(admin("oauth.consent_denied")).toMatchObject({ class_uid: 3003, status_id: 2 });
    expect(admin("sign_in.recovery_refused")).toMatchObject({ status_id: 2, severity_id: 3 });
    expect(admin("credential.rotate_failed")).toMatchObject({ status_id: 2, severity_id: 2 });
  });

  test("an outcome that nobody knows is a new finding of high severity", () => {
    expect(call("unknown")).toMatchObject({
      class_uid: 2004,
      severity_id: 4,
      status_id: 1,
      is_alert: true,
      finding_info: { uid: "acme/7" },
    });
  });

  test("1.9.0 names the agent as such and has User Management in place of the deprecated Account Change", () => {
    expect(call("intent", "ocsf@1.9.0")).toMatchObject({ ai_agent: { uid: AGENT, instance_uid: "ses_1" } });
    expect(admin("person.passkey_added", "ocsf@1.9.0")).toMatchObject({ class_uid: 3007, activity_id: 12 });
  });

  test("1.6.0 knows no profile for agents", () => {
    expect(call("intent", "ocsf@1.6.0")).not.toHaveProperty("message_context");
    expect(call("intent", "ocsf@1.6.0")).toMatchObject({ metadata: { profiles: ["security_control", "trace"] } });
  });

  test("a person who is not to be named, or was erased, is there by pseudonym only", () => {
    const leaf = { v: 1, kind: "admin", at: AT, call: "adm_1", event: "person.signed_in", by: BOB, person: BOB };
    expect(event("ocsf", stored(3, "admin", leaf))["user"]).toEqual({ uid: BOB, type_id: 1 });
  });

  test("what the schema has no place for is kept as unmapped, and commitments are not", () => {
    expect(call("succeeded")["unmapped"]).toMatchObject({ credential: { name: "helpdesk-key", version: 3 }, run: "r-1", cost: 0.5 });
    expect(call("succeeded")["unmapped"]).not.toHaveProperty("facts");
    expect(call("succeeded")["unmapped"]).not.toHaveProperty("agent");
  });
});

describe("the validator", () => {
  const good = call("intent");
  test.each<readonly [string, Event, string]>([
    ["an unknown attribute", { ...good, colour: "red" }, "colour: is unknown"],
    ["a missing attribute", Object.fromEntries(Object.entries(good).filter(([name]) => name !== "api")), "api: is required"],
    ["a number that stands for nothing", { ...good, action_id: 12 }, "action_id: 12 is no `action_id`"],
    ["an object without any of what it needs", { ...good, src_endpoint: {} }, "src_endpoint.: at least one of name, svc_name"],
    ["a wrong type", { ...good, time: "now" }, "time: is no whole number"],
    ["a type that is not class and activity", { ...good, type_uid: 1 }, "type_uid: is not class and activity"],
    ["an unknown attribute deep inside", { ...good, actor: { user: { uid: "x", e: 1 } } }, "actor.user.e: is unknown"],
  ])("finds %s", (_, value, fault) => {
    expect(ocsfFaults(value, "1.8.0")).toContain(fault);
  });

  test("finds an attribute whose profile is not named, and a profile the version does not have", () => {
    const { metadata } = good;
    expect(ocsfFaults({ ...good, metadata: { ...Object(metadata), profiles: ["trace"] } }, "1.8.0")).toContain(
      "action_id: belongs to the profile `security_control`, which is not named",
    );
    expect(ocsfFaults(good, "1.6.0")).toContain("metadata.profiles: the class does not take `ai_operation` in 1.6.0");
  });
});
