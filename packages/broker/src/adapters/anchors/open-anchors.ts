import type { Anchor } from "../../domain/anchor.ts";
import type { AnchorsConfig } from "./anchors-config.ts";
import { fileAnchor } from "./file-anchor.ts";
import { gitAnchor } from "./git-anchor.ts";
import { webhookAnchor } from "./webhook-anchor.ts";
import { witnessAnchor } from "./witness-anchor.ts";

export interface AnchorPorts {
  /** Fills `${env:NAME}`; throws when a variable is not set. */
  fill(text: string): string;
  /** Where copies of git branches are kept; in the data folder. */
  readonly cacheFolder: string;
  /** The broker's environment, for the git program. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  now(): Date;
}

/** The anchors of `log.yaml`, witnesses first. @throws AnchorFault `refused` for a secret that is none, and what `fill` throws. */
export function openAnchors(
  { witnesses, anchors }: AnchorsConfig,
  { fill, cacheFolder, environment, now }: AnchorPorts,
): readonly Anchor[] {
  return [
    ...witnesses.map(witnessAnchor),
    ...anchors.map((one) => {
      if ("file" in one) return fileAnchor(fill(one.file));
      if ("git" in one) return gitAnchor({ git: fill(one.git), branch: one.branch, cacheFolder, environment });
      return webhookAnchor({ url: one.webhook, secret: fill(one.secret), now });
    }),
  ];
}
