"use strict";
// Adyen's own library: both of its signatures, its client, and its reader of notifications.

const http = require("node:http");
const https = require("node:https");
// The library knows nothing but https; the mock is on loopback without it. What it sends stays as it is.
https.request = (options) => http.request({ ...options, agent: undefined });

const { Client, CheckoutAPI, TransfersAPI, EnvironmentEnum } = require("@adyen/api-library");
const { default: BankingWebhookHandler } = require("@adyen/api-library/lib/src/notification/bankingWebhookHandler");
const { default: HmacValidator } = require("@adyen/api-library/lib/src/utils/hmacValidator");
const { default: NotificationRequest } = require("@adyen/api-library/lib/src/notification/notificationRequest");
const { serve } = require("./driver.js");

const validator = new HmacValidator();
const client = (key) => new Client({ apiKey: key, environment: EnvironmentEnum.TEST });

const payments = ({ url, key }) => {
  const api = new CheckoutAPI(client(key)).PaymentsApi;
  api.baseUrl = `${url}/v71`;
  return api;
};

const transfers = ({ url, key }) => {
  const api = new TransfersAPI(client(key)).TransfersApi;
  api.baseUrl = `${url}/btl/v4`;
  return api;
};

serve({
  sign_item: ({ item, key }) => validator.calculateHmac(item, key),
  verify_item: ({ item, key }) => validator.validateHMAC(item, key),
  sign_body: ({ body, key }) => validator.calculateHmacSignature(body, key),
  verify_body: ({ body, signature, key }) => validator.validateHMACSignature(key, signature, body),
  read_items: ({ body }) => new NotificationRequest(JSON.parse(body)).notificationItems,
  read_transfer: ({ body }) => new BankingWebhookHandler(body).getTransferNotificationRequest(),
  pay: async (question) => {
    const options = { idempotencyKey: question.idempotency_key };
    return payments(question).payments(question.body, options);
  },
  transfer: async (question) => {
    const options = { idempotencyKey: question.idempotency_key };
    return transfers(question).transferFunds(question.body, options);
  },
  get_transfer: async (question) => transfers(question).getTransfer(question.id),
});
