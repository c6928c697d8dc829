"""Stripe's own validator of webhooks."""

import stripe
from driver import serve


def verify(header, body, secret):
    event = stripe.Webhook.construct_event(body, header, secret)
    return event["id"]


serve({"verify": verify})
