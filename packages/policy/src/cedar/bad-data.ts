/** Data from outside is not what Cedar's JSON forms allow. Nothing was decided from it. */
export class BadData extends Error {
  override readonly name = "BadData";
}
