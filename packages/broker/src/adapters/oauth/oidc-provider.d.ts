/** What is used of oidc-provider 9.13, which ships no types. */
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http";
  import type { JsonObject } from "@bailiwick/policy";

  /** A client as its metadata (RFC 7591 section 2) made it, in camel case. */
  export interface Client {
    readonly clientId: string;
    readonly clientName?: string;
    readonly redirectUris: readonly string[];
    readonly clientAuthMethod: string;
    readonly applicationType: string;
    /** True when the client is its metadata document. */
    readonly clientIdMetadataDocument?: boolean;
    grantTypeAllowed(type: string): boolean;
  }

  export interface Grant {
    readonly jti: string;
    readonly accountId: string;
    readonly clientId: string;
    readonly rar?: readonly JsonObject[];
    addResourceScope(resource: string, scope: string): void;
    addRar(detail: JsonObject): void;
    /** Returns the id. */
    save(): Promise<string>;
    destroy(): Promise<void>;
  }

  /** An authorization code, an access token or a refresh token. */
  export interface Token {
    readonly kind: string;
    readonly jti: string;
    readonly clientId: string;
    readonly accountId: string;
    readonly grantId: string;
    readonly scope?: string;
    readonly jkt?: string;
    readonly rar?: readonly JsonObject[];
    readonly remainingTTL: number;
    destroy(): Promise<void>;
  }

  export interface Interaction {
    readonly uid: string;
    readonly params: Record<string, unknown>;
    readonly prompt: { readonly name: string };
    persist(): Promise<unknown>;
  }

  /** The parts of a Koa context, with the provider's own state in `oidc` once a route has matched. */
  export interface Context {
    readonly req: IncomingMessage;
    readonly method: string;
    readonly path: string;
    readonly ip: string;
    readonly request: { readonly length?: number };
    readonly oidc?: {
      readonly route: string;
      readonly client?: Client;
      readonly params?: Readonly<Record<string, unknown>>;
      readonly prompts: ReadonlySet<string>;
      readonly result?: { readonly consent?: { readonly grantId?: string } };
      readonly entities: {
        readonly AccessToken?: Token;
        readonly RefreshToken?: Token;
        readonly RotatedRefreshToken?: Token;
        readonly AuthorizationCode?: Token;
        readonly Grant?: Grant;
        readonly Client?: Client;
      };
    };
    status: number;
    type: string;
    body: unknown;
    get(header: string): string;
    set(header: string, value: string): void;
  }

  export type Middleware = (ctx: Context, next: () => Promise<void>) => Promise<void>;

  /** Where the provider keeps its models; ids are the caller's, payloads JSON. */
  export interface Adapter {
    upsert(id: string, payload: JsonObject, expiresIn?: number): Promise<void>;
    find(id: string): Promise<JsonObject | undefined>;
    findByUid(uid: string): Promise<JsonObject | undefined>;
    findByUserCode(code: string): Promise<JsonObject | undefined>;
    consume(id: string): Promise<void>;
    destroy(id: string): Promise<void>;
    revokeByGrantId(grantId: string): Promise<void>;
  }

  export interface InteractionResult {
    readonly login?: { readonly accountId: string; readonly remember: boolean };
    readonly consent?: { readonly grantId: string };
    readonly error?: string;
    readonly error_description?: string;
  }

  export class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    /** The request in hand; undefined outside of the provider's own routes. */
    static readonly ctx: Context | undefined;
    readonly issuer: string;
    /** Koa's: trusts the `x-forwarded-` headers. */
    proxy: boolean;
    callback(): (req: IncomingMessage, res: ServerResponse) => Promise<void>;
    use(middleware: Middleware): this;
    on(event: "grant.error" | "server_error", listener: (ctx: Context, error: OIDCProviderError) => void): this;
    /** Koa's: an exception that no middleware caught. */
    on(event: "error", listener: (error: unknown) => void): this;
    registerGrantType(name: string, handler: (ctx: Context) => Promise<void>, parameters: readonly string[]): void;
    interactionDetails(req: IncomingMessage, res: ServerResponse): Promise<Interaction>;
    interactionFinished(
      req: IncomingMessage,
      res: ServerResponse,
      result: InteractionResult,
      options: { readonly mergeWithLastSubmission: boolean },
    ): Promise<void>;
    readonly Client: { find(id: string): Promise<Client | undefined> };
    readonly Grant: {
      new (facts: { readonly accountId: string; readonly clientId: string }): Grant;
      find(id: string): Promise<Grant | undefined>;
    };
    readonly RefreshToken: { find(value: string): Promise<Token | undefined> };
  }
  export default Provider;

  class OIDCProviderError extends Error {
    constructor(status: number, code: string, options?: { readonly cause?: unknown });
    error: string;
    status: number;
    statusCode: number;
    /** Whether the client is told. */
    expose: boolean;
    error_description?: string;
    /** What the provider tells its operator only. */
    error_detail?: string;
  }
  class InvalidClientAuth extends OIDCProviderError {
    constructor(detail: string);
  }
  class InvalidGrant extends OIDCProviderError {
    constructor(detail: string);
  }
  class InvalidRequest extends OIDCProviderError {
    constructor(description: string);
  }
  class InvalidTarget extends OIDCProviderError {
    constructor(description: string);
  }
  class InvalidClientMetadata extends OIDCProviderError {
    constructor(description: string);
  }
  class InvalidDpopProof extends OIDCProviderError {
    constructor(description: string);
  }
  class InvalidAuthorizationDetails extends OIDCProviderError {
    constructor(description: string);
  }
  class SessionNotFound extends InvalidRequest {}
  export const errors: {
    readonly OIDCProviderError: typeof OIDCProviderError;
    readonly InvalidClientAuth: typeof InvalidClientAuth;
    readonly InvalidGrant: typeof InvalidGrant;
    readonly InvalidRequest: typeof InvalidRequest;
    readonly InvalidTarget: typeof InvalidTarget;
    readonly InvalidClientMetadata: typeof InvalidClientMetadata;
    readonly InvalidDpopProof: typeof InvalidDpopProof;
    readonly InvalidAuthorizationDetails: typeof InvalidAuthorizationDetails;
    readonly SessionNotFound: typeof SessionNotFound;
  };

  /** A check that fails asks for its prompt. */
  export const interactionPolicy: {
    readonly Check: new (reason: string, description: string, check: (ctx: Context) => boolean) => object;
    readonly Prompt: new (about: { readonly name: string; readonly requestable: boolean }, ...checks: readonly object[]) => object;
  };
}
