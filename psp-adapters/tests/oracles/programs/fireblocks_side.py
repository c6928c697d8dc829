"""Fireblocks' own client; and for its webhooks, which it has no reader of, a JOSE library."""

import base64
import json

from driver import serve
from fireblocks.client import Fireblocks
from fireblocks.client_configuration import ClientConfiguration
from fireblocks.models.create_assets_request import CreateAssetsRequest
from fireblocks.models.create_vault_account_request import CreateVaultAccountRequest
from fireblocks.models.transaction_request import TransactionRequest
from jwt import PyJWK
from jwt.api_jws import PyJWS


def client(url, key, pem):
    return Fireblocks(ClientConfiguration(api_key=key, secret_key=pem, base_path=f"{url}/v1"))


def told(future):
    answer = future.result()
    return {"status": answer.status_code, "data": answer.data.to_dict()}


def create_transaction(url, key, pem, body, idempotency_key):
    request = TransactionRequest.from_dict(body)
    with client(url, key, pem) as fireblocks:
        return told(
            fireblocks.transactions.create_transaction(
                transaction_request=request, idempotency_key=idempotency_key
            )
        )


def by_external_id(url, key, pem, id):
    with client(url, key, pem) as fireblocks:
        return told(fireblocks.transactions.get_transaction_by_external_id(id))


def create_vault(url, key, pem, name):
    request = CreateVaultAccountRequest(name=name)
    with client(url, key, pem) as fireblocks:
        return told(fireblocks.vaults.create_vault_account(request))


def add_asset(url, key, pem, vault, asset):
    with client(url, key, pem) as fireblocks:
        return told(
            fireblocks.vaults.create_vault_account_asset(
                vault, asset, create_assets_request=CreateAssetsRequest()
            )
        )


def encoded(body):
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def verify(jwks, signature, body):
    header, signed = signature.split("..")
    token = f"{header}.{encoded(body)}.{signed}"
    kid = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    [key] = [key for key in json.loads(jwks)["keys"] if key["kid"] == kid]
    PyJWS().decode(token, PyJWK.from_dict(key), algorithms=["RS512"])
    return kid


def sign(kid, pem, body):
    token = PyJWS().encode(body.encode(), pem, algorithm="RS512", headers={"kid": kid})
    header, _, signed = token.split(".")
    return f"{header}..{signed}"


serve(
    {
        "sign": sign,
        "verify": verify,
        "create_transaction": create_transaction,
        "by_external_id": by_external_id,
        "create_vault": create_vault,
        "add_asset": add_asset,
    }
)
