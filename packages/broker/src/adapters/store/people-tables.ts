import type { Generated } from "kysely";
import type { ChallengePurpose } from "../../domain/sign-in.ts";
import type { LoginVia, Via } from "../../domain/person.ts";

/** Tables of people; every row is of the tenant `_people`. */
export interface PeopleTables {
  readonly "bailiwick.login_codes": LoginCodesTable;
  readonly "bailiwick.person_sessions": PersonSessionsTable;
  readonly "bailiwick.person_enrolments": PersonEnrolmentsTable;
  readonly "bailiwick.person_passkeys": PersonPasskeysTable;
  readonly "bailiwick.person_recovery_codes": PersonRecoveryCodesTable;
  readonly "bailiwick.person_challenges": PersonChallengesTable;
  readonly "bailiwick.person_sso_links": PersonSsoLinksTable;
  readonly "bailiwick.person_sso_flows": PersonSsoFlowsTable;
  readonly "bailiwick.person_logout_tokens": PersonLogoutTokensTable;
}

interface LoginCodesTable {
  readonly tenant_id: string;
  readonly hash: string;
  readonly person: string;
  readonly via: LoginVia;
  readonly expires_at: Date;
  readonly redeemed_at: Date | null;
}

interface PersonSessionsTable {
  readonly tenant_id: string;
  readonly token_hash: string;
  readonly person: string;
  readonly via: Via;
  readonly expires_at: Date;
  readonly id: Generated<string>;
  readonly client: string;
  readonly created_at: Date;
  readonly last_seen_at: Date;
  readonly sso_issuer: string | null;
  readonly sso_subject: string | null;
  readonly sso_sid: string | null;
}

interface PersonEnrolmentsTable {
  readonly tenant_id: string;
  readonly hash: string;
  readonly person: string;
  readonly invited_by: string;
  readonly expires_at: Date;
  readonly used_at: Date | null;
}

export interface PersonPasskeysTable {
  readonly tenant_id: string;
  readonly id: string;
  readonly person: string;
  readonly name: string;
  readonly public_key: string;
  readonly counter: number;
  readonly transports: string;
  readonly backed_up: boolean;
  readonly created_at: Date;
  readonly last_used_at: Date | null;
}

interface PersonRecoveryCodesTable {
  readonly tenant_id: string;
  readonly person: string;
  readonly hash: string;
  readonly created_at: Date;
  readonly used_at: Date | null;
}

interface PersonChallengesTable {
  readonly tenant_id: string;
  readonly challenge: string;
  readonly purpose: ChallengePurpose;
  readonly person: string | null;
  readonly browser: string | null;
  readonly expires_at: Date;
  readonly used_at: Date | null;
}

interface PersonSsoLinksTable {
  readonly tenant_id: string;
  readonly issuer: string;
  readonly subject: string;
  readonly person: string;
  readonly linked_at: Date;
}

interface PersonSsoFlowsTable {
  readonly tenant_id: string;
  readonly state: string;
  readonly next: string;
  readonly link_person: string | null;
  readonly enrolment: string | null;
  readonly expires_at: Date;
}

interface PersonLogoutTokensTable {
  readonly tenant_id: string;
  readonly issuer: string;
  readonly jti: string;
  readonly expires_at: Date;
}
