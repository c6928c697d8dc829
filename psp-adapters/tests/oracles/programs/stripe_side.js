"use strict";
// Stripe's own signer and validator of webhooks.

const stripe = require("stripe")("sk_test_none");
const { serve } = require("./driver.js");

serve({
  sign: ({ body, secret, at }) =>
    stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: at }),
  verify: ({ header, body, secret }) => stripe.webhooks.constructEvent(body, header, secret).id,
});
