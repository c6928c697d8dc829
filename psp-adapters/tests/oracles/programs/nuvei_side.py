"""A third party's client of Nuvei and its validator of notifications (Nuvei publishes none for Python)."""

import nuvei
from driver import serve
from nuvei.checksum import build_checksum_string, calculate_checksum
from nuvei.services import authentication, financial, payments
from nuvei.webhook import verify_webhook

FIELDS = {
    "getSessionToken": authentication.SESSION_TOKEN_CHECKSUM_FIELDS,
    "payment": payments.PAYMENT_CHECKSUM_FIELDS,
    "payout": financial.PAYOUT_CHECKSUM_FIELDS,
    "getPayoutStatus": financial.PAYOUT_STATUS_CHECKSUM_FIELDS,
    "refundTransaction": financial.REFUND_CHECKSUM_FIELDS,
}


def client(url, merchant, site, secret):
    made = nuvei.Nuvei(merchant, site, secret, environment="test")
    # Its configuration knows Nuvei's own hosts only.
    made.server_config = Here(url)
    return made


class Here:
    def __init__(self, url):
        self.url = url

    def endpoint(self, service):
        return f"{self.url}/ppp/api/v1/{service}.do"


def session(url, merchant, site, secret):
    return client(url, merchant, site, secret).get_session_token()


def payment(url, merchant, site, secret, body):
    made = client(url, merchant, site, secret)
    token = made.get_session_token()["sessionToken"]
    return made.payments.payment(sessionToken=token, **body)


def payout(url, merchant, site, secret, body):
    return client(url, merchant, site, secret).financial.payout(**body)


def payout_status(url, merchant, site, secret, request):
    made = client(url, merchant, site, secret)
    return made.financial.get_payout_status(clientRequestId=request)


def checksum(call, body, secret):
    text = build_checksum_string(body, FIELDS[call], merchant_secret_key=secret)
    return calculate_checksum([text])


def verify(fields, secret):
    return verify_webhook(fields, secret)


serve(
    {
        "session": session,
        "payment": payment,
        "payout": payout,
        "payout_status": payout_status,
        "checksum": checksum,
        "verify": verify,
    }
)
