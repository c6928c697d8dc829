"""TrueLayer's own signing library."""

import json

from driver import serve
from truelayer_signing import (
    HttpMethod,
    extract_jws_header,
    sign_with_pem,
    verify_with_jwks,
    verify_with_pem,
)


def sign(kid, key, path, headers, body, jku=None):
    signer = sign_with_pem(kid, key).set_method(HttpMethod.POST).set_path(path)
    for name, value in headers:
        signer.add_header(name, value)
    if jku:
        signer.set_jku(jku)
    return signer.set_body(body).sign()


def verify(signature, path, headers, body, required, key=None, jwks=None):
    header = extract_jws_header(signature)
    verifier = verify_with_jwks(json.loads(jwks), header) if jwks else verify_with_pem(key)
    verifier.set_method(HttpMethod.POST).set_path(path)
    for name, value in headers:
        verifier.add_header(name, value)
    verifier.add_required_header(required).set_body(body).verify(signature)
    return {"kid": header.kid, "jku": header.jku}


serve({"sign": sign, "verify": verify})
