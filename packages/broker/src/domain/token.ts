/** Whose tokens: those of one run, made for one user. A delegate of the run knows them too; nobody else does. */
export interface TokenOwner {
  readonly tenant: string;
  readonly run: string;
  readonly user: string;
}

/** A name in braces, such as `{email-1}`, and the value that it stands for. */
export interface StandIn {
  readonly token: string;
  readonly value: string;
}

/** A value that is to be called by a name. */
export interface Named {
  readonly name: string;
  readonly value: string;
}

/** Keeps what tokens stand for, sealed, over all brokers. */
export interface TokenVault {
  /**
   * The tokens of these values. A value keeps the first token it got in the run; new ones are numbered on. Absent from the answer is what
   * there is no room for: a value shorter than `MIN_TOKEN_VALUE_CHARS` or longer than `MAX_TOKEN_VALUE_CHARS`, or more values than one run may
   * have.
   * @throws Fault `store_unavailable`.
   */
  assign(owner: TokenOwner, values: readonly Named[]): Promise<readonly StandIn[]>;
  /** Those of these tokens that are known. @throws Fault `store_unavailable`. */
  find(owner: TokenOwner, tokens: readonly string[]): Promise<readonly StandIn[]>;
  /** All of the run. @throws Fault `store_unavailable`. */
  all(owner: TokenOwner): Promise<readonly StandIn[]>;
}

/** Shorter values are words of any text: nobody could tell where a tool says one back. */
export const MIN_TOKEN_VALUE_CHARS = 4;
export const MAX_TOKEN_VALUE_CHARS = 4_096;
/** Values of one run that have a token. */
export const MAX_TOKENS_OF_RUN = 10_000;

const NAME_CHARS = 30;

/** What a token is called after: the kind of what was found, or the last step of a field's path. */
export function tokenName(path: string): string {
  const last = path.split(".").at(-1) ?? "";
  const name = last
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/gu, "")
    .replace(/^[0-9]+/u, "")
    .slice(0, NAME_CHARS);
  return name === "" ? "value" : name;
}

/** Every token in a text, wherever it stands. */
export const TOKEN = /\{([a-z][a-z0-9]{0,29})-([1-9][0-9]{0,5})\}/gu;

export function tokenText(name: string, number: number): string {
  return `{${name}-${number}}`;
}
