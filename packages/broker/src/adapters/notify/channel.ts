import type { PersonConfig } from "@bailiwick/policy";
import type { Notice } from "../../domain/notice.ts";
import type { DeliveryPurpose, News, PushSubscription, Remote } from "../../domain/notification.ts";

/** One thing a message is about, as it is at the time of sending. */
export interface Entry {
  readonly notice: Notice;
  readonly what: News;
  /** The broker's page, where it is read and answered. Opening it answers nothing. */
  readonly link: string;
}

/** What is sent. */
export interface Message {
  /** The delivery's: the same when it is sent again. */
  readonly id: string;
  readonly tenant: string;
  readonly purpose: DeliveryPurpose;
  /** Empty for a test. Several make a digest. */
  readonly entries: readonly Entry[];
  readonly details: "short" | "full";
  /** The page of everything that waits. */
  readonly inbox: string;
}

/** To whom, with what the channel needs of them. */
export type Addressee =
  | { readonly address: string }
  | { readonly person: PersonConfig; readonly subscription?: PushSubscription | undefined };

/** A way to people. */
export interface Channel {
  readonly kind: "email" | "slack" | "webpush" | "webhook";
  /** Whether it can reach this person at all. */
  reaches(person: PersonConfig): boolean;
  /** Resolves when the receiver has it. Returns where it lies there, if it can be changed. @throws DeliveryFault, GoneFault. */
  send(message: Message, to: Addressee): Promise<Remote | undefined>;
  /** Changes a message that was sent. @throws DeliveryFault */
  amend?(message: Message, remote: Remote): Promise<void>;
  close(): Promise<void>;
}

/** The receiver is not there any more and will not come back. */
export class GoneFault extends Error {
  override readonly name = "GoneFault";
}
