import { ask } from "./api.js";

/** Whether this browser takes messages from this broker (Push API). `why`: it cannot, in words. */
export async function pushState() {
  const { publicKey } = await ask("/notifications/push");
  const on = (await subscriptionHere()) !== null;
  return { publicKey, on, why: whyNot(publicKey) };
}

function whyNot(publicKey) {
  if (publicKey === undefined) return "This broker sends none: its notify.yaml has no channel of the kind webpush.";
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window))
    return "This browser takes none here. Use a current one, over https or on localhost.";
  return Notification.permission === "denied"
    ? "This browser was told to show none from here. Allow them in its settings for this site."
    : undefined;
}

async function subscriptionHere() {
  const registration = await navigator.serviceWorker?.getRegistration("/");
  return (await registration?.pushManager?.getSubscription()) ?? null;
}

/** Asks the person, then has this browser told of what waits for them. */
export async function turnOn(publicKey) {
  if ((await Notification.requestPermission()) !== "granted")
    throw new Error("the browser was not allowed to show messages; nothing is turned on");
  // The only address of a script that this page can make (Trusted Types).
  const policy = (workerPolicy ??= window.trustedTypes?.createPolicy("push-worker", { createScriptURL: () => "/push-worker.js" }));
  await navigator.serviceWorker.register(policy?.createScriptURL("") ?? "/push-worker.js");
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: publicKey }).catch((cause) => {
    throw new Error("the browser could not reach its push service; try again, or use another browser", { cause });
  });
  try {
    await ask("/notifications/push/subscribe", subscription.toJSON());
  } catch (error) {
    // What the broker does not know of must not look turned on.
    await subscription.unsubscribe();
    throw error;
  }
}

let workerPolicy;

/** The broker forgets this browser, and the browser's address is worth nothing any more, whoever else still knows it. */
export async function turnOff() {
  const subscription = await subscriptionHere();
  if (subscription === null) return;
  await ask("/notifications/push/unsubscribe", { endpoint: subscription.endpoint });
  await subscription.unsubscribe();
}
