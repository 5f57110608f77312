/** RFC 5321 section 4.5.3.1.8 lets a server stop at 100; an agent that needs more than 20 at once is not writing a mail. */
export const MAX_RECIPIENTS = 20;

/** Characters of a subject: RFC 5322 section 2.1.1 caps a header line at 998. */
export const MAX_SUBJECT_CHARACTERS = 900;

/** Bytes of one composed message (headers and encoded body): text mails are far below, attachments are not offered. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;

/** RFC 5321 section 4.5.3.1.3: a path is at most 256 octets including its brackets. */
export const MAX_ADDRESS_CHARACTERS = 254;

/** Characters of a server's reply that are passed on; enough for the reason, too few for a flood. */
export const MAX_REPLY_CHARACTERS = 300;
