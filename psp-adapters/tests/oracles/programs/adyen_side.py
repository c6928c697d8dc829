"""Adyen's own library: both of its signatures, and its client."""

import Adyen
from Adyen import util
from driver import serve


def client(url, key):
    adyen = Adyen.Adyen(xapikey=key, platform="test", http_force="requests")
    adyen.checkout.payments_api.baseUrl = f"{url}/v71"
    adyen.transfers.transfers_api.baseUrl = f"{url}/btl/v4"
    return adyen


def told(result):
    return {"status": result.status_code, "message": result.message}


def sign_item(item, key):
    return util.generate_notification_sig(item, key).decode()


def verify_item(item, key):
    return util.is_valid_hmac_notification(item, key)


def sign_body(body, key):
    return util.generate_payload_sig(body.encode(), key).decode()


def verify_body(body, signature, key):
    return util.is_valid_hmac_payload(signature, key, body.encode())


def pay(url, key, body, idempotency_key):
    payments = client(url, key).checkout.payments_api
    return told(payments.payments(body, idempotency_key=idempotency_key))


def transfer(url, key, body, idempotency_key):
    transfers = client(url, key).transfers.transfers_api
    return told(transfers.transfer_funds(body, idempotency_key=idempotency_key))


def get_transfer(url, key, id):
    return told(client(url, key).transfers.transfers_api.get_transfer(id))


serve(
    {
        "sign_item": sign_item,
        "verify_item": verify_item,
        "sign_body": sign_body,
        "verify_body": verify_body,
        "pay": pay,
        "transfer": transfer,
        "get_transfer": get_transfer,
    }
)
