/** People out of whom so many different ones must say yes; holding one of the roles suffices. */
export interface ApproverGroup {
  readonly by: readonly string[];
  readonly count: number;
}

/** What an approval takes besides the roles that are asked first. */
export interface ApprovalTerms {
  /** How many different people of those roles must say yes. */
  readonly count: number;
  /** Further groups whose yes is needed as well. One person counts for one group. */
  readonly also: readonly ApproverGroup[];
  /** Each yes is signed with a passkey over the exact action. */
  readonly stepUp: boolean;
  /** Who may answer as well once nobody has decided for so long. */
  readonly escalate?: { readonly afterMs: number; readonly to: readonly string[] } | undefined;
  /** The most that a yes to several calls may cover. Absent: a yes is for one call. */
  readonly bounded?: { readonly uses: number; readonly forMs: number } | undefined;
}
