/**
 * What OCSF 1.6.0, 1.8.0 and 1.9.0 say of the attributes that exports may write, taken down from the published schema. An attribute that does not
 * stand here is refused, also where the schema has it: whoever writes it looks it up first.
 *
 * A type is followed by `[]` for a list, `!` where it is required, `%profile` where it belongs to a profile, and `>=version` or `<version`.
 */
export type OcsfVersion = "1.6.0" | "1.8.0" | "1.9.0";

interface Shape {
  readonly attributes: Readonly<Record<string, string>>;
  readonly atLeastOne?: readonly string[];
  /** Of a class or object that is not in all three versions. */
  readonly versions?: readonly OcsfVersion[];
}

interface ClassShape extends Shape {
  readonly uid: number;
  readonly activities: readonly number[];
  /** Profiles a class takes, with the version since which it does. */
  readonly profiles: Readonly<Record<string, OcsfVersion>>;
  readonly justOne?: { readonly of: readonly string[]; readonly until: OcsfVersion };
}

const BASE = {
  metadata: "metadata!",
  time: "long!",
  category_uid: "integer!",
  class_uid: "integer!",
  activity_id: "integer!",
  activity_name: "string",
  type_uid: "long!",
  severity_id: "severity_id!",
  message: "string",
  status: "string",
  status_code: "string",
  duration: "long",
  unmapped: "any",
};

const OUTCOME = { ...BASE, status_id: "status_id" };

const SECURITY_CONTROL = {
  action: "string%security_control",
  action_id: "action_id%security_control",
  disposition_id: "disposition_id%security_control",
  is_alert: "boolean%security_control",
  policy: "policy%security_control",
  authorizations: "authorization[]%security_control",
};

const AI_OPERATION = { message_context: "message_context%ai_operation", ai_agent: "ai_agent%ai_operation>=1.9.0" };
const IDENTITY_PROFILES = { security_control: "1.6.0", ai_operation: "1.9.0" } as const;

export const CLASSES: readonly ClassShape[] = [
  {
    uid: 6003,
    activities: [0, 1, 2, 3, 4, 99],
    profiles: { security_control: "1.6.0", trace: "1.6.0", ai_operation: "1.8.0" },
    attributes: {
      ...OUTCOME,
      ...SECURITY_CONTROL,
      ...AI_OPERATION,
      actor: "actor!",
      api: "api!",
      src_endpoint: "network_endpoint!",
      dst_endpoint: "network_endpoint",
      resources: "resource_details[]",
      trace: "trace%trace",
    },
  },
  {
    uid: 3001,
    activities: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 99],
    // Deprecated in 1.9.0, which has User Management instead.
    versions: ["1.6.0", "1.8.0"],
    profiles: IDENTITY_PROFILES,
    attributes: { ...OUTCOME, actor: "actor", user: "user!" },
  },
  {
    uid: 3007,
    activities: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 99],
    versions: ["1.9.0"],
    profiles: IDENTITY_PROFILES,
    attributes: { ...OUTCOME, actor: "actor", user: "user!" },
  },
  {
    uid: 3002,
    activities: [0, 1, 2, 3, 4, 5, 6, 7, 99],
    profiles: IDENTITY_PROFILES,
    attributes: { ...OUTCOME, actor: "actor", user: "user!", service: "service", dst_endpoint: "network_endpoint", is_remote: "boolean" },
    atLeastOne: ["service", "dst_endpoint"],
  },
  {
    uid: 3003,
    activities: [0, 1, 2, 99],
    profiles: IDENTITY_PROFILES,
    attributes: {
      ...OUTCOME,
      ...AI_OPERATION,
      actor: "actor",
      user: "user!",
      privileges: "string[]",
      group: "any<1.9.0",
      session: "session",
    },
    // 1.9.0 asks for at least one of privileges, groups and roles.
    atLeastOne: ["privileges", "group"],
    justOne: { of: ["privileges", "group"], until: "1.8.0" },
  },
  {
    uid: 3004,
    activities: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 99],
    profiles: IDENTITY_PROFILES,
    attributes: { ...OUTCOME, ...AI_OPERATION, actor: "actor", entity: "managed_entity!" },
  },
  {
    uid: 2004,
    activities: [0, 1, 2, 3, 99],
    profiles: { security_control: "1.6.0" },
    attributes: {
      ...BASE,
      status_id: "finding_status_id",
      is_alert: "boolean",
      confidence_id: "confidence_id",
      finding_info: "finding_info!",
      evidences: "evidences[]",
      resources: "resource_details[]",
    },
  },
];

export const OBJECTS: Readonly<Record<string, Shape>> = {
  metadata: {
    attributes: {
      version: "string!",
      product: "product!",
      uid: "string",
      sequence: "integer",
      tenant_uid: "string",
      correlation_uid: "string",
      event_code: "string",
      log_name: "string",
      original_time: "string",
      profiles: "string[]",
    },
  },
  product: { attributes: { name: "string", vendor_name: "string", version: "string", uid: "string" }, atLeastOne: ["name", "uid"] },
  actor: {
    attributes: { user: "user", session: "session", app_uid: "string", app_name: "string" },
    atLeastOne: ["user", "session", "app_uid", "app_name"],
  },
  user: { attributes: { uid: "string", name: "string", type_id: "user_type_id" }, atLeastOne: ["uid", "name"] },
  session: { attributes: { uid: "string", created_time: "long", expiration_time: "long" } },
  api: { attributes: { operation: "string!", service: "service", request: "request", response: "response" } },
  service: { attributes: { name: "string", uid: "string" }, atLeastOne: ["name", "uid"] },
  request: { attributes: { uid: "string!" } },
  response: { attributes: { error: "string", code: "integer" } },
  network_endpoint: { attributes: { name: "string", svc_name: "string" }, atLeastOne: ["name", "svc_name"] },
  resource_details: { attributes: { uid: "string", name: "string", type: "string", role_id: "role_id" }, atLeastOne: ["uid", "name"] },
  policy: {
    attributes: { name: "string", uid: "string", type: "string", version: "string", is_applied: "boolean" },
    atLeastOne: ["name", "type", "uid"],
  },
  authorization: { attributes: { decision: "string", policy: "policy" } },
  trace: { attributes: { uid: "string!" } },
  message_context: {
    versions: ["1.8.0", "1.9.0"],
    attributes: { ai_role_id: "ai_role_id", uid: "string", application: "application", service: "service" },
    atLeastOne: ["application", "service"],
  },
  application: { attributes: { uid: "string", name: "string" }, atLeastOne: ["uid", "name"] },
  ai_agent: { versions: ["1.9.0"], attributes: { uid: "string", name: "string", instance_uid: "string" }, atLeastOne: ["uid", "name"] },
  managed_entity: {
    attributes: {
      uid: "string",
      name: "string",
      type: "string",
      type_id: "entity_type_id",
      version: "string",
      policy: "policy",
      user: "user",
    },
    atLeastOne: ["name", "uid", "policy", "user"],
  },
  finding_info: {
    attributes: { uid: "string!", title: "string", desc: "string", created_time: "long", data_sources: "string[]", analytic: "analytic" },
  },
  analytic: { attributes: { name: "string", uid: "string", type_id: "analytic_type_id!" }, atLeastOne: ["name", "uid"] },
  evidences: { attributes: { uid: "string", actor: "actor", api: "api" }, atLeastOne: ["actor", "api"] },
};

/** Numbers that stand for something, beside 99, "other". */
export const ENUMS: Readonly<Record<string, readonly number[]>> = {
  severity_id: [0, 1, 2, 3, 4, 5, 6],
  status_id: [0, 1, 2],
  finding_status_id: [0, 1, 2, 3, 4, 5, 6],
  action_id: [0, 1, 2, 3, 4],
  disposition_id: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27],
  confidence_id: [0, 1, 2, 3],
  user_type_id: [0, 1, 2, 3, 4],
  role_id: [0, 1, 2, 3, 4],
  ai_role_id: [0, 1, 2, 3, 4, 5, 6],
  entity_type_id: [0, 1, 2, 3, 4, 5, 6, 7],
  analytic_type_id: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
};
