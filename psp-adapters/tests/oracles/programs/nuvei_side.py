"""A third party's client of Nuvei and its validator of notifications (Nuvei publishes none for Python)."""

import nuvei
from driver import serve
from nuvei.webhook import verify_webhook


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


def verify(fields, secret):
    return verify_webhook(fields, secret)


serve(
    {
        "session": session,
        "payment": payment,
        "payout": payout,
        "payout_status": payout_status,
        "verify": verify,
    }
)
