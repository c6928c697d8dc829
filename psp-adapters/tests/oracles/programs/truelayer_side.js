"use strict";
// TrueLayer's own signing library.

const { sign, verify, extractKid, extractJku } = require("truelayer-signing");
const { serve } = require("./driver.js");

serve({
  sign: ({ kid, key, path, headers, body }) =>
    sign({
      kid,
      privateKeyPem: key,
      method: "POST",
      path,
      headers: Object.fromEntries(headers),
      body,
    }),
  verify: ({ signature, path, headers, body, required, key, jwks }) => {
    const trusted = jwks ? { jwks } : { publicKeyPem: key };
    const request = { method: "POST", path, headers: Object.fromEntries(headers), body };
    verify({ ...trusted, ...request, signature, requiredHeaders: [required] });
    return { kid: extractKid(signature), jku: jwks ? extractJku(signature) : null };
  },
});
