import type { Page } from "playwright-core";

/** A virtual authenticator (Web Authentication Level 3, section 11) that verifies its person and holds passkeys. */
export interface PageAuthenticator {
  /** Whether the person passes the check on the device. */
  verifies(yes: boolean): Promise<void>;
}

/** Gives the page a device with passkeys, over the Chrome DevTools Protocol. */
export async function addAuthenticator(page: Page): Promise<PageAuthenticator> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    verifies: async (yes) => {
      await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: yes });
    },
  };
}
