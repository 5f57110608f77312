# Verifies a step-up receipt with Debian's python3-fido2 and nothing of ours: reads {receipt, rpId, origin} on stdin, prints "ok" or why not.
import base64, hashlib, json, sys
from fido2.client import ClientData
from fido2.cose import CoseKey
from fido2.ctap2 import AuthenticatorData


def raw(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def main():
    given = json.load(sys.stdin)
    receipt = given["receipt"]
    client_data = ClientData(raw(receipt["clientDataJSON"]))
    authenticator = AuthenticatorData(raw(receipt["authenticatorData"]))
    # RFC 8785 for documents of texts, small integers, lists and objects: the canonical form then is Python's sorted, compact one.
    canonical = json.dumps(receipt["document"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    if client_data.get("type") != "webauthn.get" or client_data.get("origin") != given["origin"]:
        return "another page or purpose"
    if client_data.challenge != hashlib.sha256(canonical).digest():
        return "another document"
    if authenticator.rp_id_hash != hashlib.sha256(given["rpId"].encode()).digest() or not authenticator.is_user_verified():
        return "another domain, or nobody was verified"
    key = given["publicKey"]
    cose = CoseKey.parse({1: 2, 3: -7, -1: 1, -2: raw(key["x"]), -3: raw(key["y"])})
    cose.verify(bytes(authenticator) + client_data.hash, raw(receipt["signature"]))
    return "ok"


try:
    print(main())
except Exception as error:
    print(type(error).__name__)
