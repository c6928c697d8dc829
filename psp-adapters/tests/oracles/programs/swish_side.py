"""Swish publishes no library. Its payout signature, as described by third parties, checked by a library of
cryptography: RSA with SHA-512 over the SHA-512 of the payload's bytes."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from driver import serve


def digest(payload):
    return hashlib.sha512(payload.encode()).digest()


def verify(payload, signature, pem):
    key = load_pem_public_key(pem.encode())
    key.verify(base64.b64decode(signature, validate=True), digest(payload), PKCS1v15(), SHA512())
    return True


def sign(payload, pem):
    key = load_pem_private_key(pem.encode(), None)
    return base64.b64encode(key.sign(digest(payload), PKCS1v15(), SHA512())).decode()


serve({"verify": verify, "sign": sign})
