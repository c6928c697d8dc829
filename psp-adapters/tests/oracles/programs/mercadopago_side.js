"use strict";
// Mercado Pago's own library: its validator of notifications, and its client.

const { MercadoPagoConfig, Payment, WebhookSignatureValidator } = require("mercadopago");
const { AppConfig } = require("mercadopago/dist/utils/config");
const { serve } = require("./driver.js");

const payment = ({ url, token }) => {
  AppConfig.BASE_URL = url;
  return new Payment(new MercadoPagoConfig({ accessToken: token, options: { retries: 0 } }));
};

serve({
  verify: ({ signature, request_id, data_id, secret, tolerance }) => {
    WebhookSignatureValidator.validate({
      xSignature: signature,
      xRequestId: request_id,
      dataId: data_id,
      secret,
      toleranceSeconds: tolerance,
    });
    return true;
  },
  create: (question) =>
    payment(question).create({ body: question.body, requestOptions: { idempotencyKey: question.key } }),
  get: (question) => payment(question).get({ id: question.id }),
  search: (question) => payment(question).search({ options: { external_reference: question.reference } }),
});
