"""Mercado Pago's own library: its validator of notifications, and its client. It does not sign payouts;
their signature is checked by a library of cryptography."""

import base64

import mercadopago
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from driver import serve
from mercadopago.config import Config, RequestOptions
from mercadopago.webhook import WebhookSignatureValidator


def payments(url, token, key=None):
    Config.api_base_url = property(lambda _: url)
    options = RequestOptions(access_token=token, max_retries=0)
    if key:
        options.custom_headers = {"x-idempotency-key": key}
    return mercadopago.SDK(token, request_options=options).payment()


def verify(signature, request_id, data_id, secret, tolerance=None):
    WebhookSignatureValidator.validate(
        signature, request_id, data_id, secret, tolerance_seconds=tolerance
    )
    return True


def create(url, token, key, body):
    return payments(url, token, key).create(body)


def get(url, token, id):
    return payments(url, token).get(id)


def search(url, token, reference):
    return payments(url, token).search({"external_reference": reference})


def verify_payout(body, signature, pem):
    key = load_pem_public_key(pem.encode())
    key.verify(base64.b64decode(signature, validate=True), body.encode())
    return True


serve(
    {
        "verify": verify,
        "create": create,
        "get": get,
        "search": search,
        "verify_payout": verify_payout,
    }
)
