"""Mercado Pago's own library: its validator of notifications, and its client."""

import mercadopago
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


serve({"verify": verify, "create": create, "get": get, "search": search})
